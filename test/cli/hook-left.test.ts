import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { layOut, type Project } from "../support/mycelium.ts"
import { isRunning } from "../support/running.ts"
import { start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"

/**
 * Killed in a restart: a hook that is still under way is ended before it runs again; the program
 * that it started in a session of its own is not.
 */

const killed = "[ -e begun ] || { touch begun; exec sleep 600; }"
const away = "> /dev/null 2>&1 < /dev/null"
const loop = "while [ -e loops ]; do setsid --wait ./app; done"

/** By how the hook starts its program; each stays in its first run, and is killed there. */
const stays: Readonly<Record<string, string>> = {
  "setsid, which holds our pipes open": "setsid ./app &",
  "setsid, with its streams elsewhere": `setsid ./app ${away} &`,
  "setsid that forks": `setsid --fork ./app ${away}`,
  "setsid, without our mark": `env -u MYCELIUM_RUN setsid ./app ${away} &`,
  "a daemon, forked twice": `setsid sh -c './app & exit 0' ${away}`,
}

/** The hook has ended; we are killed while its program is not healthy yet. */
const ended: Readonly<Record<string, string>> = {
  "setsid, which holds our pipes open": "setsid ./app &",
  "setsid, with its streams elsewhere": `setsid ./app ${away} &`,
  "setsid, which a loop starts again": `touch loops; sh -c '${loop}' ${away} &`,
}

async function open(...hook: readonly string[]): Promise<Project> {
  const project = await layOut(
    {},
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { key: "generated" },
          outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
          deployments: {
            api: {
              command: ["./restart-api"],
              reads: [".env"],
              timeout: "1s",
              healthy: { command: ["./health-api"], within: "30s" },
            },
          },
        },
      },
    },
  )
  project.script("app", "echo $$ >> apps", "exec sleep 600")
  project.script("restart-api", "exit 0")
  project.script("health-api", "exit 0")
  for (const args of [["init"], ["rotate-now", "production", "--new"]]) {
    const { code, stdout, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stdout}${stderr}`)
  }
  project.script("restart-api", "echo $$ >> hooks", ...hook)
  return project
}

/** By the run that started it: in the instants before, what the run left is not known. */
function isNoted(project: Project): boolean {
  const note = join(project.stateFolder, "production.lock-hooks")
  const [hook = 0] = pidsIn(project, "hooks")
  return existsSync(note) && readFileSync(note, "utf8").includes(`"pid":${hook},`)
}

function pidsIn(project: Project, file: string): readonly number[] {
  return existsSync(project.path(file)) ? project.read(file).trim().split("\n").map(Number) : []
}

async function endAll(project: Project): Promise<void> {
  await Bun.file(project.path("loops"))
    .delete()
    .catch(() => undefined)
  for (const pid of [...pidsIn(project, "hooks"), ...pidsIn(project, "apps")])
    if (await isRunning(pid)) process.kill(pid, "SIGKILL")
}

async function killIn(project: Project, isThere: () => boolean): Promise<void> {
  await using run = start(project, ["rotate-now", "production"])
  await until("it is in its restart", isThere)
  run.child.kill("SIGKILL")
  await run.child.exited
}

describe("a hook that is under way when we are killed is ended, and its program lives on", () => {
  test.each(Object.entries(stays))("%s", async (_, line) => {
    await using project = await open(
      `[ -e begun ] && exit 0`,
      line,
      "until [ -s apps ]; do sleep 0.01; done",
      killed,
    )
    try {
      await killIn(project, () => existsSync(project.path("begun")) && isNoted(project))
      const [hook = 0] = pidsIn(project, "hooks")
      const [app = 0] = pidsIn(project, "apps")
      expect([await isRunning(hook), await isRunning(app)]).toEqual([true, true])
      const { code, stdout, stderr } = await project.mycelium(["rotate-now", "production"])
      expect({ code, said: stdout + stderr }).toEqual({
        code: 0,
        said: expect.stringContaining("rotated, v2 is current"),
      })
      expect([await isRunning(hook), await isRunning(app)]).toEqual([false, true])
      expect(pidsIn(project, "hooks")).toHaveLength(2)
    } finally {
      await endAll(project)
    }
  })
})

describe("a hook that had ended leaves nothing to end, or to wait for", () => {
  test.each(Object.entries(ended))("%s", async (_, line) => {
    await using project = await open(
      `[ -e begun ] && exit 0`,
      line,
      "until [ -s apps ]; do sleep 0.01; done",
      "touch begun",
    )
    project.script("health-api", "[ -e killed ] || [ ! -e begun ] || { touch asked; exit 1; }")
    try {
      await killIn(project, () => existsSync(project.path("asked")))
      project.write("killed", "")
      const [app = 0] = pidsIn(project, "apps")
      const { code, stdout, stderr } = await project.mycelium(["rotate-now", "production"])
      expect({ code, said: stdout + stderr }).toEqual({
        code: 0,
        said: expect.stringContaining("rotated, v2 is current"),
      })
      expect(await isRunning(app)).toBe(true)
      expect(pidsIn(project, "apps")).toEqual([app])
    } finally {
      await endAll(project)
    }
  })
})
