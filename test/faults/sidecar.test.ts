import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import { type DockerEngine, dockerIsMissing, startDocker } from "../support/servers/docker.ts"
import { until } from "../support/servers/until.ts"

/**
 * The containers of config/compose.yaml, on a real engine: each can be recreated alone, and none
 * ends for good by it.
 */

const why = await dockerIsMissing()
let engine: DockerEngine
beforeAll(async () => {
  if (why === undefined) engine = await startDocker()
}, 120_000)
afterAll(async () => {
  if (why === undefined) await engine[Symbol.asyncDispose]()
}, 60_000)

type Service = Readonly<Record<string, unknown>>

/** As it is written, but for what is in the images and how they reach a network. */
function laidOut(): string {
  const { services } = parse(
    readFileSync(new URL("../../config/compose.yaml", import.meta.url), "utf8"),
  ) as { services: Readonly<Record<string, Service>> }
  const bare = (name: string, { build: _build, ...service }: Service): Service => ({
    ...service,
    image: "app:1",
    network_mode: "none",
    ...(["mycelium", "processes"].includes(name) ? { command: ["sleep", "1000"] } : {}),
  })
  const folder = join(engine.folder, "sidecar")
  mkdirSync(join(folder, "secrets"), { recursive: true })
  mkdirSync(join(folder, "mycelium"), { recursive: true })
  chownSync(join(folder, "secrets"), 10001, 10001)
  writeFileSync(
    join(folder, "compose.yaml"),
    JSON.stringify({
      services: Object.fromEntries(
        Object.entries(services).map(([name, service]) => [name, bare(name, service)]),
      ),
      volumes: { state: {} },
    }),
  )
  return folder
}

describe.skipIf(why !== undefined)(
  `config/compose.yaml${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    test("an app that is recreated alone leaves Mycelium running, which sees its new processes; and the other way round", async () => {
      const folder = laidOut()
      const compose = async (...words: readonly string[]): Promise<string> => {
        const ran = await engine.run([
          "docker",
          "compose",
          "-p",
          "sidecar",
          "--project-directory",
          folder,
          "-f",
          join(folder, "compose.yaml"),
          ...words,
        ])
        expect([words, ran.ok ? "" : ran.err]).toEqual([words, ""])
        return ran.out
      }
      const running = async (): Promise<readonly string[]> =>
        (await compose("ps", "--services", "--status", "running")).trim().split("\n").sort()
      await compose("up", "-d")
      const names = (await compose("config", "--services")).trim().split("\n").sort()
      expect(names).toEqual(expect.arrayContaining(["api", "mycelium"]))
      for (const name of ["api", "mycelium"]) {
        await compose("up", "-d", "--force-recreate", "--no-deps", name)
        await until("all are running again", async () =>
          (await running()).join() === names.join() ? true : undefined,
        )
        await until("mycelium sees the app's processes", async () => {
          const ran = await engine.run([
            "docker",
            "exec",
            "sidecar-mycelium-1",
            "sh",
            "-c",
            'cat "/proc/$(cat /srv/shop/api.pid)/cmdline"',
          ])
          return ran.out.includes("reads again") ? true : undefined
        })
      }
      await compose("down", "-v", "-t", "1")
    }, 120_000)
  },
)
