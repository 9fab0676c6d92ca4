import { describe, expect, test } from "bun:test"
import { layOut, type Project } from "../support/mycelium.ts"
import { RunningService } from "../support/service.ts"
import { freePort } from "../support/servers/free-port.ts"
import { until } from "../support/until.ts"

/** What a running service answers at its own address: the built binary, asked over real sockets. */

async function openShop(listen: string, more: object = {}): Promise<Project> {
  const project = await layOut()
  project.script("restart-api", "[ ! -e sick ] || exit 1")
  project.script("health-api", "exit 0")
  project.configure({
    project: "shop",
    listen,
    environments: {
      production: {
        rotate_every: "30d",
        secrets: { key: "generated" },
        outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
        deployments: {
          api: {
            command: ["./restart-api"],
            healthy: { command: ["./health-api"], within: "1s" },
          },
        },
        ...more,
      },
    },
  })
  for (const args of [["init"], ["rotate-now", "production", "--new"]]) {
    const ran = await project.mycelium(args)
    if (ran.code !== 0) throw new Error(ran.stderr)
  }
  return project
}

/** The value of one series; undefined if it is not there. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

const environment = 'project="shop",environment="production"'

describe("a service that listens", () => {
  test("tells how old each secret may get, and since when it is", async () => {
    const port = await freePort()
    await using project = await openShop(`127.0.0.1:${port}`)
    await using service = new RunningService(project)
    await service.says("listens")
    const url = `http://127.0.0.1:${port}/metrics`
    const series = (name: string): string => `${name}{${environment},secret="key"}`
    let text = ""
    await until("a round has read the state", async () => {
      text = await (await fetch(url)).text()
      return valueOf(text, series("mycelium_secret_max_age_seconds")) !== undefined
    })
    expect(valueOf(text, series("mycelium_secret_max_age_seconds"))).toBe(30 * 86_400)
    const status = JSON.parse((await project.mycelium(["status", "--json"])).stdout)
    const [key] = status.environments[0].secrets
    const rotatedAt = valueOf(text, series("mycelium_secret_rotated_timestamp_seconds")) ?? 0
    expect(Math.abs(Date.now() / 1000 - rotatedAt - key.ageMs / 1000)).toBeLessThan(5)
    expect(valueOf(text, series("mycelium_secret_due_timestamp_seconds"))).toBe(
      Date.parse(key.dueAt) / 1000,
    )
  }, 60_000)
})
