import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { api, openApp } from "../support/compose-app.ts"
import { type DockerEngine, dockerIsMissing, startDocker } from "../support/servers/docker.ts"

/**
 * However the project was started, a rotation recreates what runs, as it runs. The table of
 * src/manual/compose.md.
 */

const missing = await dockerIsMissing()
const suite = missing === undefined ? describe : describe.skip

suite(
  "a rotation of a Compose app that was " +
    `started${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let engine: DockerEngine
    beforeAll(async () => (engine = await startDocker()), 120_000)
    afterAll(async () => engine?.[Symbol.asyncDispose]())

    test("in its folder: its container is recreated once, and reads the new value", async () => {
      await using app = await openApp(engine)
      await app.up()
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
    })

    test("with -p: no second project comes into being; the dry run and check say which one it is", async () => {
      await using app = await openApp(engine)
      await app.up(["-p", "live"])
      const dry = await app.mycelium(["rotate-now", "production", "--dry-run"])
      expect([dry.code, dry.stdout]).toEqual([
        0,
        expect.stringContaining(
          "api: compose api, recreated (container live-api-1 of project live)",
        ),
      ])
      expect((await app.mycelium(["check"])).stdout).toContain(
        "container live-api-1 of project live",
      )
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["live-api-1: new, made anew"])
    })

    test("with COMPOSE_PROJECT_NAME, in the shell or in .env", async () => {
      await using app = await openApp(engine, { lines: "OTHER=kept\n" })
      await app.up([], { COMPOSE_PROJECT_NAME: "named" })
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["named-api-1: new, made anew"])
      await using other = await openApp(engine, { lines: "COMPOSE_PROJECT_NAME=inside\n" })
      await engine.clear()
      await other.up()
      expect((await other.rotate()).made).toEqual(["api"])
      expect(await other.containers()).toEqual(["inside-api-1: new, made anew"])
    })

    test("with name: in the compose file", async () => {
      await using app = await openApp(engine, { top: { name: "titled" } })
      await app.up()
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["titled-api-1: new, made anew"])
    })

    test("with -f, of several files: by the same files again", async () => {
      const files = {
        "a.yaml": { services: { api } },
        "b.yaml": { services: { api: { environment: { MODE: "b" } } } },
      }
      await using app = await openApp(engine, { files })
      await app.up(["-f", "a.yaml", "-f", "b.yaml"])
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
      expect((await engine.containers())[0]?.env).toContain("MODE=b")
    })

    test("with --env-file: by the same file again", async () => {
      const services = { api: { ...api, environment: { MODE: "${MODE}" } } }
      await using app = await openApp(engine, { services })
      app.project.write("live.vars", "MODE=live\n")
      await app.up(["--env-file", "live.vars"])
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
      expect((await engine.containers())[0]?.env).toContain("MODE=live")
    })

    test("with --profile", async () => {
      await using app = await openApp(engine, {
        services: { api: { ...api, profiles: ["extra"] } },
      })
      await app.up(["--profile", "extra"])
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
    })

    test("with --scale: as many as there are, and nothing beside them", async () => {
      const other = { ...api, env_file: undefined }
      await using app = await openApp(engine, {
        services: { api: { ...api, depends_on: ["db"] }, db: other },
      })
      await app.up([], {}, ["--scale", "api=2"])
      expect((await app.rotate()).made).toEqual(["api", "api"])
      expect(await app.containers()).toEqual([
        "project-api-1: new, made anew",
        "project-api-2: new, made anew",
        "project-db-1: no value, kept",
      ])
    })

    test("and stopped since: it stays stopped, which is said; up brings it the new value", async () => {
      await using app = await openApp(engine)
      await app.up()
      await app.compose(["stop"])
      const dry = await app.mycelium(["rotate-now", "production", "--dry-run"])
      expect(dry.stdout).toContain(
        "container project-api-1 of project project: stopped, stays stopped",
      )
      expect((await app.rotate()).made).toEqual([])
      expect(await app.containers()).toEqual(["project-api-1: old, kept, exited"])
      app.configure({ api: { compose: "api", healthy: { container: "api" } } })
      const ran = await app.mycelium(["rotate-now", "production"])
      expect([ran.code, ran.stdout]).toEqual([
        1,
        expect.stringContaining("container project-api-1 is exited (deployment-unhealthy)"),
      ])
      await app.compose(["up", "-d"])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
    })

    test("with restart: always", async () => {
      await using app = await openApp(engine, { services: { api: { ...api, restart: "always" } } })
      await app.up()
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
    })

    test("by a variable of .env in place of env_file", async () => {
      await using app = await openApp(engine, {
        services: { api: { ...api, env_file: undefined, environment: { KEY: "${KEY}" } } },
      })
      await app.up()
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
    })

    test("again and again: each rotation recreates it once", async () => {
      await using app = await openApp(engine)
      await app.up(["-p", "live"])
      for (let turn = 0; turn < 3; turn++) {
        expect((await app.rotate()).made).toEqual(["api"])
        expect(await app.containers()).toEqual(["live-api-1: new, made anew"])
      }
    })
  },
)
