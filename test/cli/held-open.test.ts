import { chmodSync, chownSync, linkSync, statSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "bun:test"
import { layOut, type Project } from "../support/mycelium.ts"
import { until } from "../support/until.ts"

/** A file that is written into, and a process that opened it while anyone could read it. */

const other = 65_534
/** Only root can act as another user, and sees what processes of others have open. */
const asRoot = process.geteuid?.() === 0 ? test : test.skip

async function openProject(): Promise<Project> {
  const project = await layOut(
    { "shared/app.env": "KEY=the-first-value-of-this-key\n" },
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { key: "generated" },
          outputs: [
            {
              dotenv: "shared/app.env",
              merge: true,
              in_place: true,
              variables: { KEY: "{{ key.password }}" },
            },
          ],
        },
      },
    },
  )
  // The way to it is open to all: it is the mode that is to protect it.
  for (const path of ["", "shared"]) chmodSync(join(project.folder, path), 0o711)
  chmodSync(join(project.folder, "shared/app.env"), 0o644)
  for (const args of [["init"], ["adopt", "production"]]) {
    const { code, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stderr}`)
  }
  return project
}

function holder(file: string, uid: number): Bun.Subprocess {
  return Bun.spawn(
    ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "sleep", "600"],
    { stdio: [Bun.file(file), "ignore", "ignore"] },
  )
}

asRoot(
  "a reader whom the mode shuts out, and who has it open, is named before a value is shown",
  async () => {
    await using project = await openProject()
    const file = join(project.folder, "shared/app.env")
    const child = holder(file, other)
    try {
      await until("it is that user", () => statSync(`/proc/${child.pid}`).uid === other)
      const words = `process ${child.pid} of user ${other} has ${file} open`
      const check = await project.mycelium(["check"])
      expect(check.stdout + check.stderr).toContain(`output-held-open: ${words}`)
      const ran = await project.mycelium(["rotate-now", "production"])
      expect({ code: ran.code, named: (ran.stdout + ran.stderr).includes(words) }).toEqual({
        code: 1,
        named: true,
      })
      expect(project.read("shared/app.env")).toBe("KEY=the-first-value-of-this-key\n")
    } finally {
      child.kill()
      await child.exited
    }
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  },
)

asRoot("its owner may have it open, and so may root; other names of it are said", async () => {
  await using project = await openProject()
  const file = join(project.folder, "shared/app.env")
  chownSync(file, other, other)
  linkSync(file, join(project.folder, "other-name"))
  const children = [holder(file, other), holder(file, 0)]
  try {
    await until("it is that user", () => statSync(`/proc/${children[0]?.pid}`).uid === other)
    const check = await project.mycelium(["check"])
    expect(check.stdout + check.stderr).not.toContain("output-held-open")
    expect(check.stdout + check.stderr).toContain(
      "has 2 names (hard links): what is written into it shows by each of them",
    )
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  } finally {
    for (const child of children) {
      child.kill()
      await child.exited
    }
  }
})
