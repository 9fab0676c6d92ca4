import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Restarter } from "../../../src/core/ports.ts"
import { container } from "../../../src/plugins/healths/container.ts"
import { compose } from "../../../src/plugins/restarters/compose/index.ts"
import { errorOf } from "../../support/error-of.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { type DockerEngine, dockerIsMissing, startDocker } from "../../support/servers/docker.ts"

/** The restarter on a real engine: what ran before, what is recreated, and what its environment holds afterwards. */

const missing = await dockerIsMissing()
const suite = missing === undefined ? describe : describe.skip

suite(`compose on a real engine${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let engine: DockerEngine
  let count = 0
  beforeAll(async () => (engine = await startDocker()), 120_000)
  afterAll(async () => engine?.[Symbol.asyncDispose]())

  type Service = Readonly<Record<string, unknown>>
  const api: Service = {
    image: "app:1",
    command: ["sleep", "1000"],
    network_mode: "host",
    stop_grace_period: "0s",
    env_file: ".env",
  }

  /** A folder with a compose file and a `.env`; its containers go with the test. */
  class Place implements AsyncDisposable {
    readonly folder = join(engine.folder, `place${++count}`)
    async lay(
      services: Readonly<Record<string, Service>>,
      file = "compose.yaml",
      top: Service = {},
    ): Promise<void> {
      await mkdir(this.folder, { recursive: true })
      await writeFile(join(this.folder, file), JSON.stringify({ ...top, services }))
    }
    async show(value: string, more = ""): Promise<void> {
      await writeFile(join(this.folder, ".env"), `PASSWORD=${value}\n${more}`)
    }
    up(...words: readonly string[]): Promise<string> {
      return engine.must(["docker", "compose", ...words], this.folder)
    }
    open(options: unknown, env: Readonly<Record<string, string>> = engine.env): Restarter {
      return compose.open(
        compose.options.parse(options),
        hookReach(this.folder, { HOME: this.folder, ...env }),
      )
    }
    get targets(): readonly string[] {
      return [join(this.folder, ".env")]
    }
    async [Symbol.asyncDispose](): Promise<void> {
      const ids = (await engine.must(["docker", "ps", "-aq"])).split("\n").filter(Boolean)
      if (ids.length > 0) await engine.must(["docker", "rm", "-f", ...ids])
      await rm(this.folder, { recursive: true, force: true })
    }
  }

  async function started(
    services: Readonly<Record<string, Service>> = { api },
    words: readonly string[] = ["up", "-d"],
  ): Promise<Place> {
    const place = new Place()
    await place.lay(services)
    await place.show("old")
    await place.up(...words)
    return place
  }

  /** Name and password of each container, in order. */
  async function running(): Promise<readonly string[]> {
    return (await engine.containers()).map(
      ({ name, env, running: runs }) =>
        `${name} ${env.find((one) => one.startsWith("PASSWORD="))?.slice(9)}${runs ? "" : " stopped"}`,
    )
  }

  async function rotated(place: Place, options: unknown = "api"): Promise<readonly string[]> {
    const restarter = place.open(options)
    const { findings } = (await restarter.inspect?.(place.targets, neverStops())) ?? {
      findings: [],
    }
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([])
    await place.show("new")
    await restarter.restart("mark/api", neverStops())
    return running()
  }

  async function refusal(
    place: Place,
    options: unknown = "api",
    env?: Readonly<Record<string, string>>,
  ): Promise<string> {
    const restarter = place.open(options, env)
    try {
      const { findings } = (await restarter.inspect?.(place.targets, neverStops())) ?? {
        findings: [],
      }
      return findings
        .filter(({ severity }) => severity === "error")
        .map(({ code, says }) => `${code}: ${says}`)
        .join("; ")
    } catch {
      const error = await errorOf(
        restarter.inspect?.(place.targets, neverStops()) ?? Promise.resolve(),
      )
      return `${error.code}: ${error.message}`
    }
  }

  test("a project of the folder's name is recreated and reads the new value", async () => {
    await using place = await started()
    const [before] = await engine.containers()
    expect(await rotated(place)).toEqual([`place${count}-api-1 new`])
    expect((await engine.containers())[0]?.id).not.toBe(before?.id)
  })

  test("a project that was started with -p is recreated, and no second one comes into being", async () => {
    await using place = await started({ api }, ["-p", "live", "up", "-d"])
    expect(await rotated(place)).toEqual(["live-api-1 new"])
  })

  test("a project that COMPOSE_PROJECT_NAME or the file named is found", async () => {
    await using place = new Place()
    await place.lay({ api }, "compose.yaml", { name: "named" })
    await place.show("old")
    await place.up("up", "-d")
    expect(await rotated(place)).toEqual(["named-api-1 new"])
  })

  test("a project of several files is recreated by these files", async () => {
    await using place = new Place()
    await place.lay({ api }, "a.yaml")
    await place.lay({ api: { environment: { MODE: "b" } } }, "b.yaml")
    await place.show("old")
    await place.up("-f", "a.yaml", "-f", "b.yaml", "up", "-d")
    expect(await rotated(place)).toEqual([`place${count}-api-1 new`])
    expect((await engine.containers())[0]?.env).toContain("MODE=b")
  })

  test("two projects of one folder are refused until one is named", async () => {
    await using place = await started({ api }, ["-p", "live", "up", "-d"])
    await place.up("-p", "trial", "up", "-d")
    expect(await refusal(place)).toBe(
      "compose-project: service api runs in several projects: live, trial",
    )
    expect(await rotated(place, { service: "api", project: "live" })).toEqual([
      "live-api-1 new",
      "trial-api-1 old",
    ])
  })

  test("a project of another folder is never touched", async () => {
    await using other = await started({ api }, ["-p", "theirs", "up", "-d"])
    await using place = new Place()
    await place.lay({ api })
    await place.show("old")
    expect(await refusal(place)).toBe(
      `compose-project: no container of service api was started from ${place.folder}; there is theirs-api-1 in project theirs, started from ${other.folder}`,
    )
    expect(await running()).toEqual(["theirs-api-1 old"])
  })

  test("so many containers as there are, also more than the file says", async () => {
    await using place = await started({ api }, ["up", "-d", "--scale", "api=2"])
    expect(await rotated(place)).toEqual([`place${count}-api-1 new`, `place${count}-api-2 new`])
  })

  test("an edited compose file is no rotation's business", async () => {
    await using place = await started()
    await place.lay({ api: { ...api, environment: { DEBUG: "1" } } })
    expect(await refusal(place)).toBe(
      "compose-changed: a restart of api would change more than its secrets: the compose file, its variables or its env files were edited since it was started",
    )
    expect(await refusal(place, { service: "api", allow_changes: true })).toBe("")
  })

  test("an image that was tagged anew is not deployed", async () => {
    await using place = await started()
    await engine.image("app:1")
    expect(await refusal(place)).toBe(
      `compose-changed: a restart of api would change more than its secrets: app:1 is another image than the one that place${count}-api-1 runs`,
    )
  })

  test("a service that is stopped stays stopped", async () => {
    await using place = await started()
    await place.up("stop")
    const restarter = place.open("api")
    expect((await restarter.inspect?.(place.targets, neverStops()))?.replaces).toBe(
      `container place${count}-api-1 of project place${count}: stopped, stays stopped`,
    )
    expect(await rotated(place)).toEqual([`place${count}-api-1 old stopped`])
  })

  test("a service that was never started is said so", async () => {
    await using place = new Place()
    await place.lay({ api })
    await place.show("old")
    expect(await refusal(place)).toBe("compose-missing: service api has no container")
  })

  test("a service of a profile is recreated", async () => {
    await using place = await started({ api: { ...api, profiles: ["extra"] } }, [
      "--profile",
      "extra",
      "up",
      "-d",
    ])
    expect(await rotated(place)).toEqual([`place${count}-api-1 new`])
  })

  test("what would fail is found before any value exists, and said in words", async () => {
    await using place = await started()
    expect(await refusal(place, "apo")).toBe("compose-service: the compose file has no service apo")
    expect(
      await refusal(place, "api", {
        DOCKER_HOST: `unix://${engine.folder}/none`,
        DOCKER_CONFIG: engine.env["DOCKER_CONFIG"] ?? "",
      }),
    ).toBe("compose-failed: Docker's engine does not answer")
    expect(
      await refusal(
        place,
        { service: "api", command: ["docker", "compose"] },
        { DOCKER_HOST: engine.env["DOCKER_HOST"] ?? "" },
      ),
    ).toBe("compose-failed: Docker has no Compose here")
    expect(await refusal(place, { service: "api", command: ["dockr", "compose"] })).toStartWith(
      "program-missing: dockr is not in the PATH",
    )
    expect(await refusal(place, { service: "apo", file: "none.yaml" })).toBe(
      `compose-failed: ${place.folder}/none.yaml does not exist`,
    )
  })

  test("a container that ends right after its start is no success", async () => {
    await using place = await started({
      api: { ...api, command: ["sh", "-c", 'test "$$PASSWORD" = old && sleep 1000; exit 3'] },
    })
    const restarter = place.open("api")
    await restarter.inspect?.(place.targets, neverStops())
    await place.show("new")
    const error = await errorOf(restarter.restart("mark/api", neverStops()))
    expect([error.code, error.message]).toEqual([
      "restart-failed",
      `container place${count}-api-1 is exited (code 3)`,
    ])
  })

  test("a container's own health check is waited for, and asked by healthy: { container }", async () => {
    const healthcheck = {
      test: ["CMD", "test", "-e", "/tmp/ready"],
      interval: "200ms",
      start_period: "30s",
      retries: 2,
    }
    await using place = await started(
      {
        api: {
          ...api,
          command: ["sh", "-c", "sleep 1; touch /tmp/ready; sleep 1000"],
          healthcheck,
        },
      },
      ["up", "-d", "--wait"],
    )
    const health = container.open("api", hookReach(place.folder, engine.env))
    const restarter = place.open("api")
    expect(await health.healthy(neverStops())).toBe(true)
    await place.show("new")
    await restarter.restart("mark/api", neverStops())
    expect(await health.healthy(neverStops())).toBe(true)
    expect(await running()).toEqual([`place${count}-api-1 new`])
  })

  test("healthy: { container } is not satisfied with a container that has no check", async () => {
    await using place = await started()
    expect(
      await container.open("api", hookReach(place.folder, engine.env)).healthy(neverStops()),
    ).toStartWith(`container place${count}-api-1 has no health check of its own`)
  })

  test("other services that read the same file are named, whatever way they read it", async () => {
    const other = { image: "app:1", command: ["sleep", "1000"], network_mode: "host" }
    await using place = await started(
      {
        api,
        worker: api,
        filled: { ...other, environment: { PW: "${PASSWORD}" } },
        mounted: { ...other, volumes: ["./.env:/run/env:ro"] },
        apart: { ...other, environment: { PW: "x" } },
      },
      ["up", "-d", "api"],
    )
    const found = await place.open("api").inspect?.(place.targets, neverStops())
    expect(found?.restarts).toEqual([`place${count}/api`])
    expect(found?.readers.map(({ says }) => says).toSorted()).toEqual([
      "compose service api",
      "compose service filled",
      "compose service mounted",
      "compose service worker",
    ])
  })
})
