import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs"
import { type Project, layOut } from "../support/mycelium.ts"
import { login } from "../support/login.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

/** Two configs that name one project have one state: which of them it belongs to is known. */

const servers = serversOfFile({ server: startPostgres })

type AppOf = { readonly folder: string; readonly role: string; readonly password: string }

/** A folder with a config of project "shop", and a .env of its own for a role of its own. */
async function appIn(project: Project, name: string): Promise<AppOf> {
  const { server } = servers
  const role = `${name}_${randomBytes(4).toString("hex")}`
  const password = `Old-${randomBytes(9).toString("hex")}.1`
  await server.sql(`create role ${role} login password '${password}'`)
  const folder = project.path(`../${name}`)
  mkdirSync(folder, { mode: 0o700 })
  write(`${folder}/.env`, `PORT=80\nDB_PASSWORD=${password}\n`)
  configure(folder, role)
  return { folder, role, password }
}

function configure(folder: string, role: string, project = "shop"): void {
  const address = `postgresql://127.0.0.1:${servers.server.port}/postgres`
  write(
    `${folder}/mycelium.yaml`,
    JSON.stringify({
      project,
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { postgres: { address, role } },
          outputs: [
            {
              dotenv: ".env",
              merge: true,
              for: "compose",
              variables: { DB_PASSWORD: "{{ postgres.password }}" },
            },
          ],
        },
      },
    }),
  )
}

function write(path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o600)
}

const acts: readonly (readonly string[])[] = [
  ["adopt", "production"],
  ["render", "production"],
  ["rotate-now", "production"],
  ["rotate-now", "production", "--dry-run"],
  ["rotate-now", "production", "--contain", "--yes"],
  ["reconcile", "production"],
  ["reconcile", "production", "--dry-run"],
  ["rotate-now", "--exposed-in", ".env"],
  ["exec", "production", "--", "true"],
  ["delete", "production/postgres", "--yes"],
]

describe("a second config with the project of another", () => {
  test("is refused before anything is touched, and told whose state it is", async () => {
    await using project = await layOut()
    const one = await appIn(project, "pone")
    const two = await appIn(project, "ptwo")
    expect((await project.mycelium(["init"], { cwd: one.folder })).code).toBe(0)
    expect((await project.mycelium(["adopt", "production"], { cwd: one.folder })).code).toBe(0)
    const before = project.snapshot()
    for (const act of acts) {
      const ran = await project.mycelium(act, { cwd: two.folder })
      expect(`${act.join(" ")}: ${ran.stderr}${ran.stdout}`).toContain(
        `production: its state belongs to ${one.folder}/mycelium.yaml`,
      )
      expect(ran.stderr + ran.stdout).toContain(`role ${one.role}`)
      expect(ran.stderr + ran.stdout).toContain("give this config another project")
      // A containment that has not happened always needs a person.
      expect(ran.code).toBe(act.includes("--contain") ? 7 : 3)
    }
    const checked = await project.mycelium(["check"], { cwd: two.folder })
    expect(checked.stdout).toContain("project-taken")
    expect(checked.stdout).not.toContain("output-stale")
    expect(checked.code).toBe(4)
    expect((await project.mycelium(["status"], { cwd: two.folder })).stdout).toContain(
      "! project-taken",
    )
    expect(project.snapshot()).toEqual(before)
    // What the hint says, to the word.
    configure(two.folder, two.role, "shop2")
    expect((await project.mycelium(["adopt", "production"], { cwd: two.folder })).code).toBe(0)
    for (const { folder, role } of [one, two]) {
      const ran = await project.mycelium(["rotate-now", "production"], { cwd: folder })
      expect(`${ran.code} ${ran.stderr}`).toStartWith("0")
      const shown = project.variable("DB_PASSWORD", `${folder}/.env`)
      expect(await login(servers.server, role, shown)).toBe("in")
      expect((await project.mycelium(["check"], { cwd: folder })).stdout).not.toContain(
        "project-taken",
      )
    }
  })

  test("that has none of its secrets is refused, too", async () => {
    await using project = await layOut()
    const one = await appIn(project, "pone")
    expect((await project.mycelium(["init"], { cwd: one.folder })).code).toBe(0)
    expect((await project.mycelium(["adopt", "production"], { cwd: one.folder })).code).toBe(0)
    project.configure({
      project: "shop",
      environments: { production: { rotate_every: "90d", secrets: { other: "generated" } } },
    })
    const ran = await project.mycelium(["rotate-now", "production", "--new"])
    expect(ran.stderr).toContain("has none of its secrets")
    expect(ran.code).toBe(3)
  })
})

describe("what goes on without a word", () => {
  test("a config that was moved, copied with its logins, or got another role where it lies", async () => {
    await using project = await layOut()
    const one = await appIn(project, "pone")
    const two = await appIn(project, "ptwo")
    expect((await project.mycelium(["init"], { cwd: one.folder })).code).toBe(0)
    expect((await project.mycelium(["adopt", "production"], { cwd: one.folder })).code).toBe(0)
    // Moved, and with it what the role is: no other config is there that could want the state.
    const moved = project.path("../moved")
    renameSync(one.folder, moved)
    const rotated = await project.mycelium(["rotate-now", "production"], { cwd: moved })
    expect(`${rotated.code} ${rotated.stderr}`).toStartWith("0")
    expect(rotated.stderr).not.toContain("project")
    // Another role, on purpose, in the same file.
    configure(moved, two.role)
    write(`${moved}/.env`, `DB_PASSWORD=${two.password}\n`)
    const adopted = await project.mycelium(["adopt", "production"], { cwd: moved })
    expect(`${adopted.code} ${adopted.stdout}`).toStartWith("0")
    // A copy that has the same login, beside it.
    write(`${two.folder}/.env`, `DB_PASSWORD=${two.password}\n`)
    const copied = await project.mycelium(["rotate-now", "production"], { cwd: two.folder })
    expect(`${copied.code} ${copied.stderr}`).toStartWith("0")
  })

  test("a config that takes the place of another, once that has another project", async () => {
    await using project = await layOut()
    const one = await appIn(project, "pone")
    const two = await appIn(project, "ptwo")
    expect((await project.mycelium(["init"], { cwd: one.folder })).code).toBe(0)
    expect((await project.mycelium(["adopt", "production"], { cwd: one.folder })).code).toBe(0)
    expect((await project.mycelium(["adopt", "production"], { cwd: two.folder })).code).toBe(3)
    configure(one.folder, one.role, "shop1")
    expect((await project.mycelium(["adopt", "production"], { cwd: two.folder })).code).toBe(0)
  })
})

test("two projects that rotate one login: check says to take it out of one, before and after a rotation", async () => {
  await using project = await layOut()
  const one = await appIn(project, "pone")
  const two = await appIn(project, "ptwo")
  configure(two.folder, one.role, "shop2")
  write(`${two.folder}/.env`, `DB_PASSWORD=${one.password}\n`)
  expect((await project.mycelium(["init"], { cwd: one.folder })).code).toBe(0)
  for (const { folder } of [one, two])
    expect((await project.mycelium(["adopt", "production"], { cwd: folder })).code).toBe(0)
  const told = async (): Promise<void> => {
    for (const { folder } of [one, two]) {
      const { stdout, code } = await project.mycelium(["check"], { cwd: folder })
      expect(stdout).toContain(`rotate the same login: postgresql://`)
      expect(stdout).toContain("take it out of one of them")
      expect(stdout).not.toContain("give one of them a value of its own")
      expect(code).toBe(4)
    }
  }
  await told()
  expect((await project.mycelium(["rotate-now", "production"], { cwd: one.folder })).code).toBe(0)
  await told()
})
