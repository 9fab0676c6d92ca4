import { describe, expect, test } from "bun:test"
import { chmodSync, rmSync } from "node:fs"
import { type Project, json, layOut } from "../support/mycelium.ts"

/** Programs that another user can change: never run, neither by a rotation nor in an incident. */

type Deployment = Readonly<Record<string, unknown>>

/** `app/` is a folder in which others can write; `app/ran` says which of its programs were run. */
async function lay(deployment: Deployment): Promise<Project> {
  const project = await layOut({}, "")
  for (const name of ["restart", "health"])
    project.script(`app/${name}`, `echo ${name} >> ${project.path("ran")}`)
  project.script("root-restart", "exit 0")
  project.write("app/settings.json", "{}")
  project.configure(config(deployment))
  expect((await project.mycelium(["init"])).code).toBe(0)
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  rmSync(project.path("ran"), { force: true })
  chmodSync(project.path("app"), 0o777)
  return project
}

function config(deployment: Deployment): object {
  return {
    project: "shop",
    schedule: "0 3 * * SUN",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { key: "generated" },
        outputs: [{ json: "key.json", variables: { KEY: "{{ key.password }}" } }],
        deployments: { api: deployment },
      },
    },
  }
}

const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak"]
const value = (project: Project): string =>
  (JSON.parse(project.read("key.json")) as { readonly KEY: string }).KEY

describe("a program that another user can change", () => {
  test("is not run by a containment, which says so and goes on", async () => {
    await using project = await lay({
      command: ["app/restart"],
      healthy: { command: ["app/health"], within: "60s" },
    })
    const old = value(project)
    const dry = await project.mycelium(["rotate-now", "production", "--contain", "--dry-run"])
    expect(dry.stdout).toContain("can be changed by others, who can write in")
    expect(dry.stdout).toContain("it is not run")
    const ran = await project.mycelium(contain)
    expect({ ran: project.has("ran"), code: ran.code }).toEqual({ ran: false, code: 7 })
    expect(value(project)).not.toBe(old)
    expect(ran.stdout).toContain(`chmod go-w ${project.path("app")}, and read what it holds`)
    const status = await project.mycelium(["status"])
    expect(status.stdout).toContain("so it is not run")
    const report = await project.mycelium(["report", "leak"])
    expect(report.stdout).toContain("NOT restarted")
    // The way on: they can write there no more, and the same command restarts it.
    chmodSync(project.path("app"), 0o755)
    const again = await project.mycelium(contain)
    expect(again.code).toBe(0)
    expect(project.read("ran")).toContain("restart")
  }, 60_000)

  test("is not asked for health where the restart is ours: that is said at once", async () => {
    await using project = await lay({
      command: ["./root-restart"],
      healthy: { command: ["app/health"], within: "60s" },
    })
    const ran = await project.mycelium(contain)
    expect({ ran: project.has("ran"), code: ran.code }).toEqual({ ran: false, code: 5 })
    expect(ran.stdout).toContain("nothing asked for its health")
    expect(ran.ms).toBeLessThan(30_000)
  }, 60_000)

  const ways: Readonly<Record<string, (project: Project) => unknown>> = {
    "a shell": (project) => ["/bin/sh", project.path("app/restart")],
    "a shell with options": () => ["sh", "-eu", "app/restart"],
    "a shell line": (project) => ({ run: project.path("app/restart"), shell: true }),
    "a shell line that enters its folder": () => ({ run: "cd app && ./restart", shell: true }),
    env: () => ["env", "A=1", "app/restart"],
    nice: () => ["nice", "-n", "5", "app/restart"],
    "a shell that sources it": () => ["/bin/sh", "-c", ". ./app/restart"],
    "a #! line": (project) => {
      project.write("ours", `#!/usr/bin/env ${project.path("app/restart")}\n`)
      chmodSync(project.path("ours"), 0o755)
      return ["./ours"]
    },
  }
  for (const [name, command] of Object.entries(ways))
    test(`is found behind ${name}`, async () => {
      await using project = await lay({ command: ["./root-restart"] })
      project.configure(config({ command: command(project) }))
      const rotated = await project.mycelium(["rotate-now", "production"])
      expect(rotated.code).not.toBe(0)
      expect(rotated.stdout + rotated.stderr).toContain("hook-writable")
      const contained = await project.mycelium(contain)
      expect({ code: contained.code, ran: project.has("ran") }).toEqual({ code: 7, ran: false })
      const checked = await project.mycelium(["check", "--json"])
      const { findings } = json<{ readonly findings: readonly { readonly code: string }[] }>(
        checked,
      )
      expect(findings.map(({ code }) => code)).toContain("hook-writable")
    }, 60_000)

  test("may be given to our command as data", async () => {
    await using project = await lay({ command: ["./root-restart", "app/settings.json"] })
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    const checked = await project.mycelium(["check"])
    expect(checked.stdout).toContain(
      "2 programs and scripts that no other user can change; what they run or load was not looked at",
    )
  }, 60_000)
})
