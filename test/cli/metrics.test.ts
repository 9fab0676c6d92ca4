import { describe, expect, test } from "bun:test"
import { chownSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs"
import { layOut, modeOf, type Project } from "../support/mycelium.ts"
import { RunningService } from "../support/service.ts"
import { freePort } from "../support/servers/free-port.ts"
import { promtool, whyNoPrometheus } from "../support/servers/prometheus.ts"
import { until } from "../support/until.ts"

/** What a running service answers at its own address: the built binary, asked over real sockets. */

const environment = 'project="shop",environment="production"'

/** One generated key, due at once: its program is healthy unless there is a file "sick". */
async function openShop(listen: string | undefined, more: object = {}): Promise<Project> {
  const project = await layOut()
  project.write(".env", `KEY=${first}\n`)
  project.script("restart-api", "[ ! -e sick ] || cmp -s .env good.env")
  project.script("health-api", "[ ! -e sick ] || cmp -s .env good.env")
  configure(project, listen, more)
  for (const args of [["init"], ["adopt", "production"]]) {
    const ran = await project.mycelium(args)
    if (ran.code !== 0) throw new Error(ran.stderr)
  }
  return project
}

const first = "First-key-of-the-shop.0123456789"

function configure(project: Project, listen: string | undefined, more: object = {}): void {
  project.configure({
    project: "shop",
    ...(listen === undefined ? {} : { listen }),
    environments: {
      production: {
        rotate_every: "30d",
        schedule: "* * * * *",
        secrets: { key: { driver: "generated", rotated_at: "2026-01-01" } },
        outputs: [{ dotenv: ".env", merge: true, variables: { KEY: "{{ key.password }}" } }],
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
}

function sicken(project: Project): void {
  project.write("good.env", project.read(".env"))
  project.write("sick", "")
}

/** The value of one series; undefined if it is not there. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

const ofKey = (name: string): string => `${name}{${environment},secret="key"}`
const ofKind = (kind: string): string => `mycelium_troubles{${environment},kind="${kind}"}`
const attempts = `mycelium_failed_attempts{${environment}}`
const ofOutcome = (outcome: string): string =>
  `mycelium_rotations_total{outcome="${outcome}",project="shop"}`

/** Asks until `holds`. */
async function scrape(port: number, holds: (text: string) => boolean): Promise<string> {
  let text = ""
  await until("the metrics say so", async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined)
    if (answer === undefined) return false
    text = await answer.text()
    return holds(text)
  })
  return text
}

const missing = await whyNoPrometheus()

describe("a service that listens", () => {
  test("counts what it rotates, and tells what status tells", async () => {
    const port = await freePort()
    await using project = await openShop(`127.0.0.1:${port}`)
    await using service = new RunningService(project)
    await service.says("listens")
    const text = await scrape(port, (now) => valueOf(now, ofOutcome("rotated")) === 1)
    const age = await scrape(port, (now) => {
      const at = valueOf(now, ofKey("mycelium_secret_rotated_timestamp_seconds")) ?? 0
      return Date.now() / 1000 - at < 60
    })
    expect(valueOf(age, ofKey("mycelium_secret_max_age_seconds"))).toBe(30 * 86_400)
    const status = JSON.parse((await project.mycelium(["status", "--json"])).stdout)
    const [key] = status.environments[0].secrets
    const rotatedAt = valueOf(age, ofKey("mycelium_secret_rotated_timestamp_seconds")) ?? 0
    expect(Math.abs(Date.now() / 1000 - rotatedAt - key.ageMs / 1000)).toBeLessThan(5)
    expect(valueOf(age, ofKey("mycelium_secret_due_timestamp_seconds"))).toBe(
      Date.parse(key.dueAt) / 1000,
    )
    expect(valueOf(age, ofKind("failed"))).toBeUndefined()
    const restarts = 'mycelium_step_duration_seconds_count{project="shop",step="restart"}'
    expect(valueOf(text, restarts)).toBe(1)
    expect(valueOf(text, 'mycelium_clock_steady{project="shop"}')).toBe(1)
    for (const value of [first, project.variable("KEY")]) expect(text + age).not.toContain(value)
    expect(text).not.toContain("hmac")
  }, 60_000)

  test("tells a rotation that failed, in itself or beside it, until one succeeds", async () => {
    const port = await freePort()
    await using project = await openShop(`127.0.0.1:${port}`)
    sicken(project)
    await using service = new RunningService(project)
    const text = await scrape(port, (now) => valueOf(now, ofKind("failed")) === 1)
    expect(valueOf(text, ofOutcome("rolled_back"))).toBe(1)
    expect(valueOf(text, ofOutcome("rotated"))).toBe(0)
    expect(valueOf(text, attempts)).toBe(1)
    rmSync(project.path("sick"))
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    service.child.kill("SIGHUP")
    const well = await scrape(port, (now) => valueOf(now, attempts) === 0)
    expect(valueOf(well, ofKind("failed"))).toBeUndefined()
    // Another process has rotated it: this one has counted none.
    expect(valueOf(well, ofOutcome("rotated"))).toBe(0)
  }, 60_000)

  test.skipIf(missing !== undefined)(
    `answers as Prometheus wants it${missing === undefined ? "" : ` (skipped: ${missing})`}`,
    async () => {
      const port = await freePort()
      await using project = await openShop(`127.0.0.1:${port}`)
      await using service = new RunningService(project)
      await service.says("listens")
      const text = await scrape(port, (now) => valueOf(now, ofOutcome("rotated")) === 1)
      const checked = await promtool(["check", "metrics"], { input: text })
      expect(checked).toEqual({ code: 0, said: "" })
    },
    60_000,
  )

  test("is alive while it goes round, and ready while its identity is there", async () => {
    const port = await freePort()
    await using project = await openShop(`127.0.0.1:${port}`)
    await using service = new RunningService(project)
    await service.says("listens")
    const ask = async (path: string): Promise<readonly [number, string]> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`)
      return [answer.status, await answer.text()]
    }
    expect(await ask("/healthz")).toEqual([200, "ok\n"])
    expect(await ask("/readyz")).toEqual([
      200,
      "ok\nconfig: loaded\nstore: writable\nidentity: there\n",
    ])
    const aside = `${project.identityFile}.aside`
    renameSync(project.identityFile, aside)
    await until("it is not ready", async () => (await ask("/readyz"))[0] === 503)
    expect((await ask("/readyz"))[1]).toContain("identity: identity-missing\n")
    expect((await ask("/healthz"))[0]).toBe(200)
    renameSync(aside, project.identityFile)
    await until("it is ready again", async () => (await ask("/readyz"))[0] === 200)
    service.child.kill("SIGSTOP")
    const stopped = fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1000) })
    await expect(stopped).rejects.toThrow()
    service.child.kill("SIGCONT")
    await until("it answers again", async () => (await ask("/healthz"))[0] === 200)
  }, 60_000)

  test("says that a config was refused, until one is taken", async () => {
    const port = await freePort()
    await using project = await openShop(`127.0.0.1:${port}`)
    await using service = new RunningService(project)
    await service.says("listens")
    const series = 'mycelium_config_last_reload_successful{project="shop"}'
    expect(valueOf(await scrape(port, () => true), series)).toBe(1)
    project.configure("project: [")
    service.child.kill("SIGHUP")
    await scrape(port, (now) => valueOf(now, series) === 0)
    configure(project, `127.0.0.1:${port}`)
    service.child.kill("SIGHUP")
    await scrape(port, (now) => valueOf(now, series) === 1)
  }, 60_000)

  test("listens at another address, or no more, when its config says so", async () => {
    const [port, other] = [await freePort(), await freePort()]
    await using project = await openShop(`127.0.0.1:${port}`)
    await using service = new RunningService(project)
    await service.says("listens")
    configure(project, `127.0.0.1:${other}`)
    service.child.kill("SIGHUP")
    await service.says(`127.0.0.1:${other}`)
    await scrape(other, (now) => now.includes("mycelium_secret_due_timestamp_seconds{"))
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow()
    configure(project, undefined)
    service.child.kill("SIGHUP")
    await until("it listens no more", async () =>
      fetch(`http://127.0.0.1:${other}/metrics`).then(
        () => false,
        () => true,
      ),
    )
  }, 60_000)

  test("rotates on if its port is taken, says so once, and listens when it is free", async () => {
    const port = await freePort()
    const holder = Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } })
    await using project = await openShop(`127.0.0.1:${port}`)
    await using service = new RunningService(project)
    await service.says('"message":"rotated"')
    const event = service.said.split("\n").find((line) => line.includes("does not listen")) ?? ""
    expect(JSON.parse(event)).toMatchObject({
      level: "error",
      address: `127.0.0.1:${port}`,
      code: "listen-taken",
      says: `another process listens at 127.0.0.1:${port}`,
    })
    service.child.kill("SIGHUP")
    await service.says("reloaded")
    expect(service.said.split("does not listen")).toHaveLength(2)
    holder.stop(true)
    service.child.kill("SIGHUP")
    await scrape(port, (now) => now.includes("mycelium_build_info"))
  }, 60_000)
})

describe("a unix socket", () => {
  const asked = (project: Project, name: string) =>
    fetch("http://mycelium/metrics", { unix: project.path(name) })

  test("is for its owner alone, goes with the service, and one that a kill left is replaced", async () => {
    await using project = await openShop("unix:metrics.sock")
    {
      await using service = new RunningService(project)
      await service.says("listens")
      expect(modeOf(project.path("metrics.sock"))).toBe("0600")
      expect(await (await asked(project, "metrics.sock")).text()).toContain("mycelium_build_info")
      service.child.kill("SIGKILL")
      await service.child.exited
    }
    expect(project.has("metrics.sock")).toBe(true)
    {
      await using service = new RunningService(project)
      await service.says("listens")
      expect((await asked(project, "metrics.sock")).status).toBe(200)
      await using second = new RunningService(project)
      await second.says("listen-taken")
      expect((await asked(project, "metrics.sock")).status).toBe(200)
    }
    expect(project.has("metrics.sock")).toBe(false)
  }, 60_000)

  test.skipIf(process.getuid?.() !== 0)(
    "is not opened in a folder that another user can change",
    async () => {
      await using project = await openShop("unix:theirs/metrics.sock")
      mkdirSync(project.path("theirs"))
      chownSync(project.path("theirs"), 65_534, 65_534)
      await using service = new RunningService(project)
      await service.says('"message":"rotated"')
      expect(service.said).toContain("another user can change the folder of")
      expect(project.has("theirs/metrics.sock")).toBe(false)
    },
    60_000,
  )

  test("takes the place of no file that is none", async () => {
    await using project = await openShop("unix:metrics.sock")
    project.write("metrics.sock", "mine")
    await using service = new RunningService(project)
    await service.says('"message":"rotated"')
    expect(service.said).toContain("is there, and is no socket")
    expect(project.read("metrics.sock")).toBe("mine")
  }, 60_000)
})

describe("run --once --metrics-file", () => {
  test("writes what others may read, and replaces it as a whole", async () => {
    await using project = await openShop(undefined)
    project.write("shop.prom", "old")
    const before = statSync(project.path("shop.prom")).ino
    const ran = await project.mycelium(["run", "--once", "--metrics-file", "shop.prom"])
    expect(ran.code).toBe(0)
    const text = project.read("shop.prom")
    expect(modeOf(project.path("shop.prom"))).toBe("0644")
    expect(statSync(project.path("shop.prom")).ino).not.toBe(before)
    expect(valueOf(text, ofKey("mycelium_secret_max_age_seconds"))).toBe(30 * 86_400)
    expect(valueOf(text, attempts)).toBe(0)
    const endedAt = valueOf(text, 'mycelium_last_run_timestamp_seconds{project="shop"}') ?? 0
    expect(Math.abs(Date.now() / 1000 - endedAt)).toBeLessThan(60)
    // node_exporter has these of itself; counts of a process that has ended say nothing.
    expect(text).not.toMatch(/process_|_total|_bucket|last_round/)
    for (const value of [first, project.variable("KEY")]) expect(text).not.toContain(value)
    if (missing === undefined)
      expect(await promtool(["check", "metrics"], { input: text })).toEqual({ code: 0, said: "" })
  }, 60_000)

  test("tells a failure, also of a run that could not begin", async () => {
    await using project = await openShop(undefined)
    sicken(project)
    const run = ["run", "--once", "--metrics-file", project.path("shop.prom")]
    const ran = await project.mycelium(run)
    expect(ran.code).toBe(1)
    expect(valueOf(project.read("shop.prom"), ofKind("failed"))).toBe(1)
    project.write(project.statePath(), "{}")
    await project.mycelium(run)
    const text = project.read("shop.prom")
    expect(valueOf(text, ofKind("failed"))).toBe(1)
    expect(valueOf(text, ofKey("mycelium_secret_due_timestamp_seconds"))).toBeUndefined()
  }, 60_000)

  test("says that it could not write it, and fails for that", async () => {
    await using project = await openShop(undefined)
    const ran = await project.mycelium(["run", "--once", "--metrics-file", "nowhere/shop.prom"])
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain("metrics not written")
    expect(project.variable("KEY")).not.toBe(first)
  }, 60_000)

  test("is refused without --once", async () => {
    await using project = await openShop(undefined)
    const ran = await project.mycelium(["run", "--metrics-file", "shop.prom"])
    expect([ran.code, ran.stderr]).toEqual([
      2,
      "mycelium: --metrics-file is for a run that ends: --once\n" +
        "  hint: a service is asked at an address: write listen: 127.0.0.1:9187 into the config\n",
    ])
  }, 60_000)
})
