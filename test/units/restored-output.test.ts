import { readFileSync } from "node:fs"
import { expect, test } from "bun:test"
import { binary, layOut, type Project } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { until } from "../support/until.ts"

/** A file of a backup is put back over an output while the service runs. */

type Service = AsyncDisposable & { readonly said: () => string }

function serve(project: Project): Service {
  const child = Bun.spawn([binary, "run", "--json"], {
    cwd: project.folder,
    env: project.environment,
    stdio: ["ignore", "pipe", "ignore"],
  })
  let said = ""
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) said += part
  })()
  return {
    said: () => said,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM")
      await child.exited
      await reading
    },
  }
}

async function openProject(): Promise<Project> {
  const project = await layOut(
    { ".env": "SESSION_KEY=the-first-value-of-this-key\n" },
    {
      project: "shop",
      watch: "10s",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { session_key: "generated" },
          outputs: [
            {
              dotenv: ".env",
              merge: true,
              variables: { SESSION_KEY: "{{ session_key.password }}" },
            },
          ],
        },
      },
    },
  )
  for (const args of [["init"], ["adopt", "production"]]) {
    const { code, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stderr}`)
  }
  return project
}

const times = (said: string, words: string): number => said.split(words).length - 1

test("an older render that is put back is noticed, said once, named by status, and over after render", async () => {
  await using project = await openProject()
  const backup = project.read(".env")
  expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  await using service = serve(project)
  await until("it runs", () => service.said() !== "")
  project.write(".env", backup)
  await until("it notices", () => service.said().includes('"output is not right"'), 15_000)
  const file = `${project.folder}/.env`
  const words = `${file} shows v1 of production/session_key, which is no longer current: that is v2`
  expect(service.said()).toContain(words)
  expect(service.said()).toContain('"code":"output-stale"')
  expect(service.said()).not.toContain("the-first-value")
  const status = await project.mycelium(["status"])
  expect(status.stdout).toContain(`! output-stale: ${words}`)
  expect(status.stdout).toContain("mycelium render")
  expect(status.stdout).not.toContain("none needs attention")
  const serial = (await stateOf(project))?.serial ?? 0

  // The same once more is looked at, for status, and not said again.
  project.write(".env", backup)
  await until(
    "it looks again",
    async () => ((await stateOf(project))?.serial ?? 0) > serial,
    15_000,
  )
  expect(times(service.said(), '"output is not right"')).toBe(1)
  expect((await project.mycelium(["status"])).stdout).toContain(`! output-stale: ${words}`)

  expect((await project.mycelium(["render", "production"])).code).toBe(0)
  expect((await project.mycelium(["status"])).stdout).not.toContain("output-stale")
  await until("all is well", () => service.said().includes('"output is right again"'), 15_000)
  expect((await stateOf(project))?.offOutputs).toBeUndefined()
  const events = readFileSync(project.auditPath(), "utf8").match(/"event":"output-[a-z]+"/g)
  expect(events).toEqual(['"event":"output-off"', '"event":"output-right"'])
}, 60_000)

test("a file that is gone, or that a person has edited, is said; status takes back what has changed since", async () => {
  await using project = await openProject()
  project.write(".env", "SESSION_KEY=set-by-hand-at-night-0001\n")
  await using service = serve(project)
  await until("it notices", () => service.said().includes('"code":"output-drift"'), 15_000)
  expect((await project.mycelium(["status"])).stdout).toContain("! output-drift: ")
  project.write(".env", "SESSION_KEY=the-first-value-of-this-key\n")
  expect((await project.mycelium(["status"])).stdout).not.toContain("output-drift")
  await until("all is well", () => service.said().includes('"output is right again"'), 15_000)
}, 60_000)

test("a file that is ours alone, and whose values cannot be read back, is said to be replaced", async () => {
  await using project = await layOut(
    { "app.tpl": "key: {{ session_key.password | upcase }}\n" },
    {
      project: "shop",
      watch: "10s",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { session_key: "generated" },
          outputs: [{ template: "app.yaml", from: "app.tpl" }],
        },
      },
    },
  )
  for (const args of [["init"], ["rotate-now", "production", "--new"]]) await project.mycelium(args)
  const backup = project.read("app.yaml")
  await project.mycelium(["rotate-now", "production"])
  await using service = serve(project)
  await until("it runs", () => service.said() !== "")
  project.write("app.yaml", backup)
  await until("it notices", () => service.said().includes('"code":"output-edited"'), 15_000)
  expect((await project.mycelium(["status"])).stdout).toContain("! output-edited: ")
}, 60_000)
