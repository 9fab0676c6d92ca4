import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { layOut, type Project } from "../support/mycelium.ts"
import { type DockerEngine, dockerIsMissing, startDocker } from "../support/servers/docker.ts"

/** The binary, a compose file, a real engine: what the first example of the README does, with a value that no service asks for. */

const missing = await dockerIsMissing()
const suite = missing === undefined ? describe : describe.skip

suite(`a rotation of a Compose app${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let engine: DockerEngine
  beforeAll(async () => (engine = await startDocker()), 120_000)
  afterAll(async () => engine?.[Symbol.asyncDispose]())

  const api = {
    image: "app:1",
    command: ["sleep", "1000"],
    network_mode: "host",
    stop_grace_period: "0s",
    env_file: ".env",
  }

  async function app(deployment: object = { compose: "api" }): Promise<Project> {
    const project = await layOut(
      {
        "compose.yaml": JSON.stringify({ services: { api, worker: api } }),
        ".env": "KEY=old-value-of-the-key\n",
      },
      {
        project: "shop",
        environments: {
          production: {
            rotate_every: "90d",
            secrets: { key: "generated" },
            outputs: [
              {
                dotenv: ".env",
                for: "compose",
                merge: true,
                variables: { KEY: "{{ key.password }}" },
              },
            ],
            deployments: { api: deployment },
          },
        },
      },
    )
    for (const words of [["init"], ["adopt", "production"]])
      expect((await project.mycelium(words)).code).toBe(0)
    return project
  }

  async function keys(): Promise<Readonly<Record<string, string | undefined>>> {
    return Object.fromEntries(
      (await engine.containers()).map(({ name, env }) => [
        name,
        env.find((one) => one.startsWith("KEY="))?.slice(4),
      ]),
    )
  }

  async function down(): Promise<void> {
    const ids = (await engine.must(["docker", "ps", "-aq"])).split("\n").filter(Boolean)
    if (ids.length > 0) await engine.must(["docker", "rm", "-f", ...ids])
  }

  test("recreates the project that runs, whatever its name; the dry run and check say which, and who else reads the file", async () => {
    await using project = await app()
    await engine.must(["docker", "compose", "-p", "live", "up", "-d", "api"], project.folder)
    const dry = await project.mycelium(["rotate-now", "production", "--dry-run"], {
      env: engine.env,
    })
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringContaining("api: compose api, recreated (container live-api-1 of project live)"),
    ])
    expect(dry.stdout).toContain(
      `note: compose service worker reads ${project.path(".env")} and is in no deployment`,
    )
    const checked = await project.mycelium(["check"], { env: engine.env })
    expect(checked.stdout).toContain(
      "warn  reader-unlisted: production/api: compose service worker reads",
    )
    const ran = await project.mycelium(["rotate-now", "production"], { env: engine.env })
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining("production/key: rotated")])
    expect(await keys()).toEqual({ "live-api-1": project.variable("KEY") })
    expect(project.variable("KEY")).not.toBe("old-value-of-the-key")
    await down()
  })

  test("refuses before any value exists where a restart would deploy an edited file, or touch another project", async () => {
    await using project = await app()
    const refused = async (): Promise<string> => {
      const ran = await project.mycelium(["rotate-now", "production"], { env: engine.env })
      expect([ran.code, project.variable("KEY")]).toEqual([1, "old-value-of-the-key"])
      return ran.stdout
    }
    expect(await refused()).toContain("service api has no container (compose-missing)")
    await engine.must(["docker", "compose", "up", "-d", "api"], project.folder)
    project.write(
      "compose.yaml",
      JSON.stringify({ services: { api: { ...api, environment: { DEBUG: "1" } } } }),
    )
    expect(await refused()).toContain("a restart of api would change more than its secrets")
    await down()
    const contained = await project.mycelium(["rotate-now", "production", "--dry-run"], {
      env: { ...engine.env, DOCKER_HOST: "unix:///nonexistent" },
    })
    expect(contained.stdout).toContain("Docker's engine does not answer (compose-failed)")
  })

  test("goes back where the container does not stay up with the new value", async () => {
    await using project = await app()
    const picky = {
      ...api,
      command: ["sh", "-c", 'test "$$KEY" = old-value-of-the-key && sleep 1000; exit 3'],
    }
    project.write("compose.yaml", JSON.stringify({ services: { api: picky } }))
    await engine.must(["docker", "compose", "-p", "live", "up", "-d"], project.folder)
    const ran = await project.mycelium(["rotate-now", "production"], { env: engine.env })
    expect(ran.stdout).toContain("container live-api-1 is exited (code 3)")
    expect([project.variable("KEY"), await keys()]).toEqual([
      "old-value-of-the-key",
      { "live-api-1": "old-value-of-the-key" },
    ])
    expect((await engine.containers()).map(({ running }) => running)).toEqual([true])
    await down()
  })
})
