import { describe, expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { type Project, json, layOut } from "../support/mycelium.ts"

/**
 * Another user of the machine has put something on the way to an output: the binary, as root,
 * writes nothing, and check, dry run and rotation say the same.
 */

const asRoot = process.geteuid?.() === 0
const app = 4242
const value = "{{ key.password }}"

type Attack = {
  readonly title: string
  readonly output: object
  readonly code: string
  readonly lay: (project: Project, app: string) => void
  readonly mend: (project: Project, app: string) => void
}

const attacks: readonly Attack[] = [
  {
    title: "a link in a folder of theirs, to a file of another user",
    output: { dotenv: "app/conf/.env", variables: { KEY: value } },
    code: "file-is-link",
    lay: (project, folder) => symlinkSync(project.path("outside"), join(folder, "conf")),
    mend: (_, folder) => {
      rmSync(join(folder, "conf"))
      mkdirSync(join(folder, "conf"))
    },
  },
  {
    title: "an empty file, in a sticky folder",
    output: { dotenv: "app/.env", variables: { KEY: value } },
    code: "output-planted",
    lay: (_, folder) => {
      chownSync(folder, 0, 0)
      chmodSync(folder, 0o1777)
      plant(join(folder, ".env"))
    },
    mend: (_, folder) => rmSync(join(folder, ".env")),
  },
  {
    title: "an empty file, in a folder of their own",
    output: { dotenv: "app/.env", variables: { KEY: value } },
    code: "output-planted",
    lay: (_, folder) => plant(join(folder, ".env")),
    mend: (_, folder) => rmSync(join(folder, ".env")),
  },
  {
    title: "a folder of theirs above one that is for another user",
    output: { folder: "app/run", files: { key: value }, owner: "4343:4343" },
    code: "folder-of-others",
    lay: () => undefined,
    mend: (_, folder) => chownSync(folder, 0, 0),
  },
]

function plant(path: string): void {
  writeFileSync(path, "")
  chownSync(path, app, app)
}

/** Kind, owner, mode and bytes of everything outside. */
function outside(project: Project): readonly string[] {
  return readdirSync(project.path("outside")).map((name) => {
    const { mode, uid, ino } = lstatSync(project.path(`outside/${name}`))
    return `${name} ${mode} ${uid} ${ino} ${readFileSync(project.path(`outside/${name}`), "utf8")}`
  })
}

async function layAttack({
  output,
  lay,
}: Attack): Promise<{ readonly project: Project; readonly folder: string }> {
  const project = await layOut(
    { "outside/.env": "", "outside/other": "" },
    {
      project: "shop",
      rotate_every: "90d",
      environments: { production: { secrets: { key: "generated" }, outputs: [output] } },
    },
  )
  const folder = project.path("app")
  mkdirSync(folder)
  chownSync(folder, app, app)
  chownSync(project.path("outside/.env"), 4343, 4343)
  lay(project, folder)
  return { project, folder }
}

describe.skipIf(!asRoot)(
  `another user of the machine${asRoot ? "" : " (skipped: needs root, for files of two users)"}`,
  () => {
    for (const attack of attacks) {
      test(`${attack.title}: nothing is written, and check, dry run and rotation say the same`, async () => {
        const { project, folder } = await layAttack(attack)
        await using _ = project
        const before = outside(project)
        expect((await project.mycelium(["init"])).code).toBe(0)
        const { findings } = json<{
          readonly findings: readonly {
            readonly code: string
            readonly severity: string
            readonly message: string
            readonly remedy?: string
          }[]
        }>(await project.mycelium(["check", "--json"]))
        const found = findings.filter(({ code }) => code === attack.code)
        expect(found.map(({ severity }) => severity)).toEqual(["error"])
        expect(found[0]?.remedy ?? "").not.toBe("")
        for (const args of [
          ["rotate-now", "production", "--new", "--dry-run"],
          ["rotate-now", "production", "--new"],
        ]) {
          const ran = await project.mycelium(args)
          expect(ran.code).not.toBe(0)
          expect(`${ran.stdout}${ran.stderr}`).toContain(found[0]?.message ?? "nothing")
        }
        expect(outside(project)).toEqual(before)
        attack.mend(project, folder)
        const mended = await project.mycelium(["rotate-now", "production", "--new"])
        expect(`${mended.code} ${mended.stderr}`).toStartWith("0 ")
        const after = json<{ readonly findings: readonly { readonly code: string }[] }>(
          await project.mycelium(["check", "--json"]),
        )
        expect(after.findings.filter(({ code }) => code === attack.code)).toEqual([])
      }, 60_000)
    }

    test("a restart that they can change, itself or by what it follows, is not run, and the rotation is left before any value exists", async () => {
      await using project = await layOut(
        {},
        {
          project: "shop",
          rotate_every: "90d",
          environments: {
            production: {
              secrets: { key: "generated" },
              outputs: [{ dotenv: ".env", variables: { KEY: value } }],
              deployments: {
                api: { command: ["./app/restart"], reads: [".env"] },
                web: {
                  compose: { service: "web", file: "app/compose.yaml", command: ["./docker"] },
                  reads: [".env"],
                },
              },
            },
          },
        },
      )
      mkdirSync(project.path("app"))
      project.write("app/restart", `#!/bin/sh\ntouch ${project.path("ran")}\n`, 0o755)
      project.write("app/compose.yaml", "services: { web: { image: web } }\n")
      project.write("docker", "#!/bin/sh\n", 0o755)
      chownSync(project.path("app"), app, app)
      expect((await project.mycelium(["init"])).code).toBe(0)
      const follows =
        `${project.path("app/compose.yaml")} (what the restart of production/web follows) can ` +
        `be changed by user ${app}`
      const message =
        `${project.path("app/restart")} (the restart of production/api) can be changed by user ` +
        `${app}, who owns ${project.path("app")}`
      const { code, stdout, stderr } = await project.mycelium(["rotate-now", "production", "--new"])
      expect([code === 0, `${stdout}${stderr}`]).toEqual([false, expect.stringContaining(message)])
      expect(readdirSync(project.folder)).not.toContain("ran")
      const { stdout: found } = await project.mycelium(["check"])
      for (const one of [message, follows]) expect(found).toContain(one)
      chownSync(project.path("app"), 0, 0)
      chownSync(project.path("app/compose.yaml"), app, app)
      const left = await project.mycelium(["rotate-now", "production", "--new"])
      expect(`${left.stdout}${left.stderr}`).toContain(follows)
      project.configure({
        project: "shop",
        rotate_every: "90d",
        environments: {
          production: {
            secrets: { key: "generated" },
            outputs: [{ dotenv: ".env", variables: { KEY: value } }],
            deployments: { api: { command: ["./app/restart"], reads: [".env"] } },
          },
        },
      })
      expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
      expect(readdirSync(project.folder)).toContain("ran")
    }, 60_000)
  },
)
