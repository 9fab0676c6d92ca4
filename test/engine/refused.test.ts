import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { appendFileSync, chownSync, mkdirSync } from "node:fs"
import { api, openApp, quick } from "../support/compose-app.ts"
import { layOut } from "../support/mycelium.ts"
import { type DockerEngine, dockerIsMissing, startDocker } from "../support/servers/docker.ts"

/**
 * What a restart would deploy beyond what was asked, and what it could not do: found before any
 * value exists.
 */

const missing = await dockerIsMissing()
const suite = missing === undefined ? describe : describe.skip

suite(
  "a rotation of a Compose app is refused, " +
    `and touches nothing,${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let engine: DockerEngine
    beforeAll(async () => (engine = await startDocker()), 120_000)
    afterAll(async () => engine?.[Symbol.asyncDispose]())

    const allowed = { api: quick({ service: "api", allow_changes: true }) }
    const differs =
      "the compose file, its variables or its env files are not those that it was started with"

    test("where the compose file was edited, until it is up to date", async () => {
      await using app = await openApp(engine)
      await app.up()
      app.edit({ api: { ...api, environment: { DEBUG: "1" } } })
      expect(await app.refused()).toContain(
        `a restart of api would change more than its secrets: ${differs} (compose-changed)`,
      )
      await app.up()
      expect((await app.rotate()).made).toEqual(["api"])
    })

    test("unless allow_changes says so, and says what it takes along", async () => {
      await using app = await openApp(engine, { deployment: allowed.api })
      await app.up()
      app.edit({ api: { ...api, environment: { DEBUG: "2" } } })
      const dry = await app.mycelium(["rotate-now", "production", "--dry-run"])
      expect(dry.stdout).toContain(
        `a restart of api deploys more than its secrets (allow_changes): ${differs}`,
      )
      expect((await app.rotate()).made).toEqual(["api"])
      expect((await engine.containers())[0]?.env).toContain("DEBUG=2")
    })

    test("but for a containment, which waits for nothing, and says beforehand what it takes along", async () => {
      await using app = await openApp(engine)
      await app.up()
      app.edit({ api: { ...api, environment: { DEBUG: "1" } } })
      const dry = await app.mycelium(["rotate-now", "production", "--contain", "--dry-run"])
      expect(dry.stdout).toContain(
        `a restart of api would change more than its secrets: ${differs}`,
      )
      expect((await engine.containers())[0]?.env).not.toContain("DEBUG=1")
      const ran = await app.mycelium(["rotate-now", "production", "--contain"])
      expect([ran.code, app.key === app.old]).toEqual([0, false])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
      expect((await engine.containers())[0]?.env).toContain("DEBUG=1")
    })

    const isRoot = process.getuid?.() === 0
    test.skipIf(!isRoot)(
      "where another user's .env fills what the service may reach, in a containment too (only as root: it needs that user)",
      async () => {
        const reaching = { ...api, volumes: ["${DATA:-/tmp}:/data"] }
        await using app = await openApp(engine, { services: { api: reaching } })
        const file = app.project.path(".env")
        chownSync(file, 30001, 30001)
        await app.up()
        const before = (await engine.containers()).map(({ id }) => id)
        appendFileSync(file, "DATA=/\n")
        expect(await app.refused()).toContain(differs)
        const ran = await app.mycelium(["rotate-now", "production", "--contain"])
        expect([ran.code, ran.stdout]).toEqual([
          7,
          expect.stringContaining(`another user can change ${file}, from which Compose takes`),
        ])
        expect((await engine.containers()).map(({ id }) => id)).toEqual(before)
      },
    )

    test("where another line of .env was edited", async () => {
      await using app = await openApp(engine)
      await app.up()
      app.project.write(".env", `${app.project.read(".env")}DEBUG=1\n`)
      expect(await app.refused()).toContain(differs)
    })

    test("where a variable of the shell had filled the compose file; the hint leads on", async () => {
      await using app = await openApp(engine, {
        services: { api: { ...api, environment: { MODE: "${MODE:-plain}" } } },
      })
      await app.up([], { MODE: "live" }, ["--scale", "api=2"])
      const said = await app.refused()
      expect(said).toContain(differs)
      const hint =
        /\((docker compose [^;]*); what variables of a shell gave it belongs into \.env\)/.exec(
          said,
        )?.[1] ?? ""
      app.project.write(".env", `${app.project.read(".env")}MODE=live\n`)
      await engine.must(hint.split(" "), app.folder)
      expect((await app.rotate()).made).toEqual(["api", "api"])
      expect((await engine.containers()).map(({ env }) => env?.includes("MODE=live"))).toEqual([
        true,
        true,
      ])
    })

    test("where the image's name is another image now, until allow_changes says so", async () => {
      await using app = await openApp(engine, { services: { api: { ...api, image: "tagged:1" } } })
      await engine.image("tagged:1")
      await app.up()
      const [before] = await engine.containers()
      await engine.image("tagged:1")
      expect(await app.refused()).toContain(
        "tagged:1 is another image than the one that project-api-1 runs (compose-changed)",
      )
      app.configure(allowed)
      expect((await app.rotate()).made).toEqual(["api"])
      expect((await engine.containers())[0]?.image).not.toBe(before?.image)
    })

    test("where one of two replicas is stopped", async () => {
      await using app = await openApp(engine)
      await app.up([], {}, ["--scale", "api=2"])
      await engine.must(["docker", "stop", "project-api-2"])
      expect(await app.refused()).toContain(
        "a restart of api would change more than its secrets: project-api-2 is exited (compose-changed)",
      )
    })

    test("where it is paused", async () => {
      await using app = await openApp(engine)
      await app.up()
      await engine.must(["docker", "pause", "project-api-1"])
      expect(await app.refused()).toContain("project-api-1 is paused")
    })

    test("where a project of another folder has its folder's name", async () => {
      await using other = await layOut({
        "compose.yaml": JSON.stringify({ services: { api } }),
        ".env": "KEY=theirs\n",
      })
      await engine.must(["docker", "compose", "up", "-d"], other.folder)
      await using app = await openApp(engine)
      const said = await app.refused()
      expect(said).toContain(
        `no container of service api was started from ${app.folder}; there is project-api-1 in ` +
          `project project, started from ${other.folder} (compose-project)`,
      )
      expect(
        (await engine.containers()).map(({ env }) => env?.find((one) => one.startsWith("KEY="))),
      ).toEqual(["KEY=theirs"])
    })

    test("where the app's folder lies elsewhere for us, as in a container, until the project is named", async () => {
      await using app = await openApp(engine)
      await app.up()
      const elsewhere = 'mount --bind "$1" /mnt && mount -t tmpfs none "$1" && shift && exec "$@"'
      const under = [...engine.under(), "sh", "-c", elsewhere, "sh", app.folder]
      const rotate = () =>
        app.project.mycelium(["rotate-now", "production", "--config", "/mnt/mycelium.yaml"], {
          under,
          env: engine.env,
          cwd: "/",
        })
      const before = await engine.containers()
      const ran = await rotate()
      expect([ran.code, ran.stdout]).toEqual([
        1,
        expect.stringContaining(
          "no container of service api was started from /mnt; there is project-api-1 in project " +
            `project, started from ${app.folder} (compose-project)`,
        ),
      ])
      expect([app.key, await engine.containers()]).toEqual([app.old, before])
      app.configure({ api: quick({ service: "api", project: "project" }) })
      const again = await rotate()
      expect([again.code, again.stdout]).toEqual([
        0,
        expect.stringContaining("production/key: rotated"),
      ])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
      // A mount that is relative to the compose file would lead to another folder of the engine's machine.
      app.edit({ api: { ...api, volumes: ["./data:/data"] } })
      await app.up()
      const third = await rotate()
      expect([third.code, third.stdout]).toEqual([1, expect.stringContaining("(compose-changed)")])
    })

    test("where it runs in two projects, until one is named", async () => {
      await using app = await openApp(engine)
      await app.up(["-p", "trial"])
      await app.up(["-p", "live"])
      expect(await app.refused()).toContain(
        "service api runs in several projects: live, trial (compose-project)",
      )
      app.configure({ api: quick({ service: "api", project: "live" }) })
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual([
        "live-api-1: new, made anew",
        "trial-api-1: old, kept",
      ])
    })

    test("where nothing runs yet, or the service is misspelled", async () => {
      await using app = await openApp(engine)
      expect(await app.refused()).toContain("service api has no container (compose-missing)")
      await app.up()
      app.configure({ api: quick("apo") })
      expect(await app.refused()).toContain("the compose file has no service apo (compose-service)")
    })

    test("where the config lies in another folder than the compose file, until one of them names the other", async () => {
      await using app = await openApp(engine, {
        config: "../etc/mycelium.yaml",
        output: "../project/.env",
      })
      expect(await app.refused()).toContain("no compose file was found (compose-failed)")
      await app.up()
      const said = await app.refused()
      expect(said).toContain(
        `no container of service api was started from ${app.project.path("../etc")}; ` +
          `there is project-api-1 in project project, started from ${app.folder} ` +
          "(compose-project)",
      )
      // The hint, to the word.
      expect(said).toContain("compose: { service: api, project: project }")
      app.configure({ api: quick({ service: "api", project: "project" }) })
      expect((await app.rotate()).made).toEqual(["api"])
      await app.remember()
      app.configure({ api: quick({ service: "api", file: "../project/compose.yaml" }) })
      expect((await app.rotate()).made).toEqual(["api"])
      expect(await app.containers()).toEqual(["project-api-1: new, made anew"])
    })

    test("where Docker is not installed, has no Compose, or its engine does not answer", async () => {
      await using app = await openApp(engine)
      await app.up()
      const none = await app.project.mycelium(["rotate-now", "production", "--dry-run"], {
        under: engine.under("no docker"),
        env: engine.env,
      })
      expect(none.stdout).toMatch(/docker (is not in the PATH|could not be started)/)
      mkdirSync(app.project.path("empty"))
      expect(await app.refused({ DOCKER_CONFIG: app.project.path("empty") })).toContain(
        "Docker has no Compose here (compose-failed)",
      )
      expect(await app.refused({ DOCKER_HOST: `unix://${app.folder}/none` })).toContain(
        "Docker's engine does not answer (compose-failed)",
      )
    })

    test("where its user may not use Docker's socket", async () => {
      await using app = await openApp(engine)
      await app.up()
      await engine.must(["chown", "-R", "65534:65534", app.project.root])
      const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
      const before = await engine.containers()
      const ran = await app.project.mycelium(["rotate-now", "production"], {
        under: [...engine.under(), ...nobody],
        env: engine.env,
      })
      expect([ran.code, ran.stdout]).toEqual([
        1,
        expect.stringContaining("this user may not use Docker's socket (compose-failed)"),
      ])
      expect([app.key, await engine.containers()]).toEqual([app.old, before])
    })
  },
)
