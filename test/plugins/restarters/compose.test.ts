import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { compose } from "../../../src/plugins/restarters/compose.ts"
import { errorOf } from "../../support/error-of.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

/** A `docker` that writes down how it was called. */
async function fakeDocker(folder: string, code = 0): Promise<string> {
  const path = join(folder, "docker")
  await writeFile(path, `#!/bin/sh\nfor one in "$@"; do echo "$one"; done > arguments\nenv > environment\nexit ${code}\n`, { mode: 0o755 })
  return path
}

async function calledWith(options: (docker: string) => unknown): Promise<readonly string[]> {
  await using folder = await temporaryFolder()
  const docker = await fakeDocker(folder.path)
  await compose.open(compose.options.parse(options(docker)), hookReach(folder.path)).restart("m", neverStops())
  const text = await Bun.file(join(folder.path, "arguments")).text()
  return text.replaceAll(folder.path, "FOLDER").trimEnd().split("\n")
}

const up = ["up", "-d", "--no-deps", "--force-recreate"]

test("compose recreates a service, for restart does not read env_file again", async () => {
  expect(await calledWith((docker) => ({ service: "api", command: [docker, "compose"] }))).toEqual(["compose", ...up, "api"])
})

test("compose takes a file relative to the config, a project and several services", async () => {
  expect(await calledWith((docker) => ({ services: ["api", "worker"], file: "deploy/compose.yaml", project: "shop", command: [docker, "compose"] }))).toEqual([
    "compose",
    "-f",
    "FOLDER/deploy/compose.yaml",
    "-p",
    "shop",
    ...up,
    "api",
    "worker",
  ])
})

test("compose calls docker compose by default, found in the PATH of programs", () => {
  const restarter = compose.open(compose.options.parse("api"), hookReach("/srv"))
  expect(restarter.says).toBe("compose api, recreated")
})

test("compose hands on nothing that could fill in the compose file", async () => {
  await using folder = await temporaryFolder()
  const docker = await fakeDocker(folder.path)
  const ours = { HOME: "/home/x", DOCKER_HOST: "unix:///x.sock", DOCKER_CONFIG: "/c", POSTGRES_PASSWORD: "old", COMPOSE_FILE: "x", COMPOSE_PROJECT_NAME: "y" }
  await compose.open(compose.options.parse({ service: "api", command: [docker] }), hookReach(folder.path, ours)).restart("set/api", neverStops())
  const lines = (await Bun.file(join(folder.path, "environment")).text()).trimEnd().split("\n")
  const names = lines.map((line) => line.slice(0, line.indexOf("="))).toSorted()
  expect(names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name))).toEqual(["DOCKER_CONFIG", "DOCKER_HOST", "HOME", "MYCELIUM_RUN", "PATH"])
})

test("compose reports the exit code", async () => {
  await using folder = await temporaryFolder()
  const docker = await fakeDocker(folder.path, 14)
  const error = await errorOf(compose.open(compose.options.parse({ service: "api", command: [docker] }), hookReach(folder.path)).restart("m", neverStops()))
  expect([error.code, error.message]).toEqual(["restart-failed", "compose api ended with code 14"])
})

test("compose refuses what is no service, so that none is taken for an option", () => {
  const bad = ["--volumes", "", "a b", "-x", { service: "api", services: ["b"] }, {}, { services: [] }, { service: "api", project: "-p" }, { service: "api", file: "" }, { service: "api", command: [] }, ["api"]]
  for (const options of bad) expect(compose.options.safeParse(options).success).toBe(false)
})
