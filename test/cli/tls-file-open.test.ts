import { expect, test } from "bun:test"
import { chmodSync } from "node:fs"
import { type Project, layOut } from "../support/mycelium.ts"

/** Who can change the authority that a server is believed by chooses which server is told a password. */

async function lay(): Promise<Project> {
  const project = await layOut({}, "")
  for (const name of ["ca.pem", "own.pem", "own.key"]) project.write(`app/${name}`, "not looked at")
  project.configure({
    project: "shop",
    schedule: "0 3 * * SUN",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: {
          key: "generated",
          db: {
            driver: "postgres",
            address: "postgresql://db.invalid/shop",
            role: "shop",
            admin: { user: "rotator", password: { env: "ADMIN" } },
            tls: { ca: "app/ca.pem", certificate: "app/own.pem", key: "app/own.key" },
          },
        },
        outputs: [
          { json: "key.json", variables: { KEY: "{{ key.password }}" } },
          {
            vault: {
              server: {
                address: "https://vault.invalid:8200",
                tls: { ca: "app/vault-ca.pem" },
                auth: { token: { file: "app/token" } },
              },
              path: "shop/key",
            },
            variables: { key: "{{ key.password }}" },
          },
        ],
      },
    },
  })
  expect((await project.mycelium(["init"])).code).toBe(0)
  return project
}

test("check names the TLS files and the credentials of a secret manager that others can reach, or that are not there, without asking a server", async () => {
  await using project = await lay()
  const missing = (await project.mycelium(["check"])).stdout
  expect(missing).not.toContain("tls-file-open")
  expect(missing).toContain(
    `reference-missing: production: there is no file ${project.path("app/token")}`,
  )
  expect(missing).toContain(`tls-file-unreadable: production: ${project.path("app/vault-ca.pem")}`)
  project.write("app/vault-ca.pem", "not looked at")
  project.write("app/token", "not looked at")
  chmodSync(project.path("app/token"), 0o644)
  chmodSync(project.path("app/own.key"), 0o666)
  const key = (await project.mycelium(["check"])).stdout
  expect(key.match(/tls-file-\w+: .*/g)).toEqual([
    `tls-file-open: production/db: ${project.path("app/own.key")} can be changed by others, who can write into it`,
  ])
  expect(key).toContain(
    `reference-open: production: ${project.path("app/token")} can be read by everybody`,
  )
  chmodSync(project.path("app"), 0o777)
  const { stdout, code } = await project.mycelium(["check"])
  expect(code).toBe(4)
  for (const name of ["ca.pem", "own.pem", "own.key", "vault-ca.pem"])
    expect(stdout).toContain(`${project.path(`app/${name}`)} can be changed by others`)
  expect(stdout).toContain(`chmod go-w ${project.path("app")}`)
})
