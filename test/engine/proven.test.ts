import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { api, type ComposeApp, openApp, quick, type Service } from "../support/compose-app.ts"
import { binary } from "../support/mycelium.ts"
import { login } from "../support/login.ts"
import { until } from "../support/until.ts"
import { type DockerEngine, dockerIsMissing, startDocker } from "../support/servers/docker.ts"
import { freePort } from "../support/servers/free-port.ts"
import { startPostgres } from "../support/servers/postgres.ts"

/**
 * What proves a restart of Compose: how long it is waited for, what is believed, and what the way
 * back leaves.
 */

const missing = await dockerIsMissing()
const suite = missing === undefined ? describe : describe.skip

suite(`a restart of a Compose app is proven${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let engine: DockerEngine
  beforeAll(async () => (engine = await startDocker()), 120_000)
  afterAll(async () => engine?.[Symbol.asyncDispose]())

  const healthcheck = {
    test: ["CMD", "test", "-e", "/gate/open"],
    interval: "100ms",
    start_period: "60s",
    retries: 2,
  }
  /** Healthy by its own check once the test opens the gate. */
  const gated: Service = { ...api, volumes: ["./gate:/gate"], healthcheck }
  const unchecked = { compose: "api" }
  /** Lives with the first value only. */
  function picky(
    app: ComposeApp,
    { lives = "", ...more }: Service & { readonly lives?: string } = {},
  ): Service {
    return {
      ...api,
      command: ["sh", "-c", `test "$$KEY" = ${app.old} && exec sleep 1000; ${lives} exit 3`],
      ...more,
    }
  }

  test("by its own health check, however long it takes to start", async () => {
    await using app = await openApp(engine, { services: { api: gated }, deployment: unchecked })
    app.project.write("gate/open", "")
    await app.up([], {}, ["--wait"])
    const [before] = await engine.containers()
    await engine.must(["rm", app.project.path("gate/open")])
    let ended = false
    const rotation = app.rotate().finally(() => (ended = true))
    await until("the new container to start", async () => {
      const now = await engine.containers()
      return now.length === 1 && now[0]?.id !== before?.id && now[0]?.health === "starting"
    })
    // Nothing is settled before it is ready: the state still holds the journal of the rotation.
    expect([ended, await app.containers()]).toEqual([false, ["project-api-1: new, made anew"]])
    expect(
      Object.keys(
        JSON.parse(
          app.project.read("../home/state/mycelium/secrets/shop/production.json"),
        ) as object,
      ),
    ).toContain("changeSet")
    app.project.write("gate/open", "")
    expect((await rotation).made).toEqual(["api"])
    expect((await engine.containers()).map(({ health }) => health)).toEqual(["healthy"])
  })

  test("by healthy: { container }, which a container without a check does not satisfy", async () => {
    await using app = await openApp(engine, {
      services: { api: gated },
      deployment: { compose: "api", healthy: { container: "api" } },
    })
    app.project.write("gate/open", "")
    await app.up([], {}, ["--wait"])
    expect((await app.rotate()).made).toEqual(["api"])
    await using bare = await openApp(engine, {
      deployment: { compose: "api", healthy: { container: "api" } },
    })
    await engine.clear()
    await bare.up()
    expect(await bare.refused()).toContain(
      "container project-api-1 has no health check of its own (add one to the compose file, " +
        "or name another under healthy)",
    )
  })

  test("by a command that finds the engine as the restart does", async () => {
    await using app = await openApp(engine, {
      deployment: { compose: "api", healthy: { command: ["./health"], within: "10s" } },
    })
    app.project.script(
      "health",
      "docker exec project-api-1 env > seen || exit 1",
      'grep -qxF "$(grep ^KEY= .env)" seen',
    )
    await app.up()
    expect((await app.rotate()).made).toEqual(["api"])
    expect(app.project.variable("KEY", "seen")).toBe(app.key)
    expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
  })

  test("by tcp, which is said to prove no login", async () => {
    const port = await freePort()
    const listens = { ...api, command: ["httpd", "-f", "-p", `127.0.0.1:${port}`] }
    await using app = await openApp(engine, {
      services: { api: listens },
      deployment: { compose: "api", healthy: { tcp: `127.0.0.1:${port}` } },
    })
    await app.up()
    await until(
      "it to listen",
      async () => (await app.mycelium(["rotate-now", "production", "--dry-run"])).code === 0,
    )
    const checked = await app.mycelium(["check"])
    expect(checked.stdout).toContain(
      `info  health-shallow: production/api: tcp 127.0.0.1:${port} proves that it listens, ` +
        "not that it can log in",
    )
    expect((await app.rotate()).made).toEqual(["api"])
  })

  test("by a login to PostgreSQL with what its process was given", async () => {
    await using server = await startPostgres()
    const [role, old] = [
      `shop_${randomBytes(4).toString("hex")}`,
      `Old-${randomBytes(12).toString("hex")}`,
    ]
    await server.sql(`create role ${role} login password '${old}'`)
    await using app = await openApp(engine)
    app.project.write(".env", `KEY=${old}\n`)
    const psql = `psql -h 127.0.0.1 -p ${server.port} -U ${role} -d postgres -Atc 'select 1'`
    app.project.configure({
      project: "store",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: {
            postgres: { address: `postgresql://127.0.0.1:${server.port}/postgres`, role },
          },
          outputs: [
            {
              dotenv: ".env",
              for: "compose",
              merge: true,
              variables: { KEY: "{{ postgres.password }}" },
            },
          ],
          deployments: {
            api: { compose: "api", healthy: { command: ["./health"], within: "20s" } },
          },
        },
      },
    })
    await app.up(["-p", "live"])
    app.project.script(
      "health",
      "PGPASSWORD=$(docker exec live-api-1 env | grep ^KEY= | cut -c5-)",
      `export PGPASSWORD`,
      psql,
    )
    expect((await app.mycelium(["adopt", "production"])).code).toBe(0)
    const ran = await app.mycelium(["rotate-now", "production"])
    expect([ran.code, ran.stdout]).toEqual([
      0,
      expect.stringContaining("production/postgres: rotated"),
    ])
    const [container] = await engine.containers()
    const given =
      container === undefined
        ? undefined
        : engine
            .environ(container)
            .find((one) => one.startsWith("KEY="))
            ?.slice(4)
    expect([await login(server, role, given ?? ""), await login(server, role, old)]).toEqual([
      "in",
      "28P01",
    ])
  })

  test("by the next run, where this one was killed while the new container started", async () => {
    await using app = await openApp(engine, { services: { api: gated } })
    app.project.write("gate/open", "")
    await app.up(["-p", "live"], {}, ["--wait"])
    await engine.must(["rm", app.project.path("gate/open")])
    const { folder, environment } = app.project
    const killed = Bun.spawn([...engine.under(), binary, "rotate-now", "production"], {
      cwd: folder,
      env: { ...environment, ...engine.env },
      stdio: ["ignore", "ignore", "ignore"],
    })
    await until(
      "the new container to start",
      async () => (await app.containers()).join() === "live-api-1: new, made anew",
    )
    killed.kill("SIGKILL")
    await killed.exited
    app.project.write("gate/open", "")
    expect((await app.mycelium(["run", "--once"])).code).toBe(0)
    expect([app.key === app.old, await app.containers()]).toEqual([
      false,
      ["live-api-1: new, made anew"],
    ])
    expect((await app.mycelium(["check", "--quick"])).code).toBe(0)
  })

  test("goes back where it ends a while after its start, and nothing asks for its health", async () => {
    await using app = await openApp(engine, { deployment: unchecked })
    app.edit({ api: picky(app, { lives: "sleep 1;" }) })
    await app.up(["-p", "live"])
    const ran = await app.mycelium(["rotate-now", "production"])
    expect([ran.code, ran.stdout]).toEqual([
      1,
      expect.stringContaining("container live-api-1 is exited (code 3)"),
    ])
    expect([app.key, await app.containers()]).toEqual([app.old, ["live-api-1: old, made anew"]])
  })

  test("goes back where restart: always begins it again and again", async () => {
    await using app = await openApp(engine, { deployment: unchecked })
    app.edit({ api: picky(app, { restart: "always" }) })
    await app.up()
    const ran = await app.mycelium(["rotate-now", "production"])
    expect([ran.code, ran.stdout]).toEqual([
      1,
      expect.stringContaining(
        "container project-api-1 is started again and again by its restart policy, for its program ends",
      ),
    ])
    expect([app.key, await app.containers()]).toEqual([app.old, ["project-api-1: old, made anew"]])
  })

  test("goes back where its own check finds it sick", async () => {
    await using app = await openApp(engine, { deployment: unchecked })
    const unhealthy = {
      test: ["CMD-SHELL", `test "$$KEY" = ${app.old}`],
      interval: "100ms",
      retries: 2,
      start_period: "0s",
    }
    app.edit({ api: { ...api, healthcheck: unhealthy } })
    await app.up([], {}, ["--wait"])
    const ran = await app.mycelium(["rotate-now", "production"])
    expect([ran.code, ran.stdout]).toEqual([
      1,
      expect.stringContaining("container project-api-1 is unhealthy by its own check"),
    ])
    expect([app.key, await app.containers()]).toEqual([app.old, ["project-api-1: old, made anew"]])
  })

  test("a restart that fails before it touches anything leaves a healthy app, and is not called sick", async () => {
    const deployment = {
      compose: { service: "api", command: ["./docker", "compose"] },
      healthy: { command: ["./health"], within: "5s" },
    }
    await using app = await openApp(engine, { deployment })
    const denied =
      'echo "permission denied while trying to connect to the Docker daemon socket" >&2; exit 125'
    app.project.script(
      "docker",
      `case " $* " in *" --force-recreate "*) ${denied};; esac`,
      'exec docker "$@"',
    )
    app.project.script("health", "docker exec project-api-1 true")
    await app.up()
    const began = Date.now() / 1000
    const ran = await app.mycelium(["rotate-now", "production"])
    expect([ran.code, ran.stdout]).toEqual([
      1,
      expect.stringContaining("this user may not use Docker's socket"),
    ])
    expect(ran.stdout).not.toContain("back-unhealthy")
    expect([app.key, await app.containers()]).toEqual([app.old, ["project-api-1: old, kept"]])
    expect(await engine.madeSince(began)).toEqual([])
  })

  test("other services that read the same file are named, whatever way they read it, and are left alone", async () => {
    const other = { ...api, env_file: undefined }
    const services = {
      api,
      worker: api,
      filled: { ...other, environment: { KEY: "${KEY}" } },
      mounted: { ...other, volumes: ["./.env:/run/env:ro"] },
      secret: { ...other, secrets: ["env"] },
      apart: { ...other, environment: { PORT: "1" } },
    }
    await using app = await openApp(engine, {
      services,
      top: { secrets: { env: { file: ".env" } } },
    })
    await app.up()
    const readers = ["worker", "filled", "mounted", "secret"]
    const dry = await app.mycelium(["rotate-now", "production", "--dry-run"])
    for (const name of readers)
      expect(dry.stdout).toContain(
        `compose service ${name} reads ${app.project.path(".env")} and is in no deployment`,
      )
    const checked = await app.mycelium(["check"])
    expect(checked.stdout.match(/warn +reader-unlisted/g)?.length).toBe(readers.length)
    expect(checked.stdout).not.toContain("compose service apart")
    expect((await app.rotate()).made).toEqual(["api"])
    // They still run with what .env was before: a person brings them up to date.
    await app.compose(["up", "-d"])
    app.configure({ all: quick({ services: ["api", ...readers] }) })
    expect((await app.mycelium(["check"])).stdout).not.toContain("reader-unlisted")
    expect((await app.rotate()).made.toSorted()).toEqual(["api", ...readers].toSorted())
  })
})
