import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { reasonOf } from "../../../src/plugins/docker/docker.ts"
import { compose } from "../../../src/plugins/restarters/compose/index.ts"
import { errorOf } from "../../support/error-of.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

// What needs an engine is in compose-engine.test.ts.

test("compose says what it recreates", () => {
  expect(compose.open(compose.options.parse("api"), hookReach("/srv")).label).toBe(
    "compose api, recreated",
  )
  expect(
    compose.open(compose.options.parse({ services: ["api", "worker"] }), hookReach("/srv")).label,
  ).toBe("compose api, worker, recreated")
})

test("compose names what tells it what to run, and its own program", () => {
  const open = (options: unknown) => compose.open(compose.options.parse(options), hookReach("/srv"))
  expect(
    open({ service: "api", file: "deploy/compose.yaml", command: ["./docker"] }),
  ).toMatchObject({ follows: ["/srv/deploy/compose.yaml"], runs: { argv: ["/srv/docker"] } })
  expect(open("api").follows).toContain("/srv/compose.override.yml")
})

test("compose hands on nothing that could fill in the compose file", async () => {
  await using folder = await temporaryFolder()
  const docker = join(folder.path, "docker")
  await writeFile(docker, "#!/bin/sh\nenv > environment\nexit 1\n", { mode: 0o755 })
  const ours = {
    HOME: "/home/x",
    DOCKER_HOST: "unix:///x.sock",
    DOCKER_CONFIG: "/c",
    POSTGRES_PASSWORD: "old",
    COMPOSE_FILE: "x",
    COMPOSE_PROJECT_NAME: "y",
  }
  const restarter = compose.open(
    compose.options.parse({ service: "api", command: [docker, "compose"] }),
    hookReach(folder.path, ours),
  )
  expect((await errorOf(restarter.restart("set/api", neverStops()))).code).toBe("compose-failed")
  const lines = (await Bun.file(join(folder.path, "environment")).text()).trimEnd().split("\n")
  const names = lines.map((line) => line.slice(0, line.indexOf("="))).toSorted()
  expect(names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name))).toEqual([
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "HOME",
    "PATH",
  ])
})

test("compose repeats of what Docker prints only what can hold no value", () => {
  const of = (stderr: string): string | undefined => reasonOf({ stderr, stdout: "" })?.message
  expect(of("no such service: apo\n")).toBe("the compose file has no service apo")
  expect(
    of(
      "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
    ),
  ).toBe("this user may not use Docker's socket")
  expect(
    of(
      "Error response from daemon: driver failed: Bind for 0.0.0.0:80 failed: port is already allocated",
    ),
  ).toBe("a port that the container publishes is in use")
  expect(
    of('failed to read /srv/.env: line 3: unexpected character in variable name "s3cret value"'),
  ).toBeUndefined()
})

test("compose refuses what is no service, so that none is taken for an option", () => {
  const bad = [
    "--volumes",
    "",
    "a b",
    "-x",
    { service: "api", services: ["b"] },
    {},
    { services: [] },
    { service: "api", project: "-p" },
    { service: "api", file: "" },
    { service: "api", command: [] },
    { service: "api", allow_changes: "yes" },
    ["api"],
  ]
  for (const options of bad) expect(compose.options.safeParse(options).success).toBe(false)
})
