import { expect, test } from "bun:test"
import { type Project, layOut } from "../../../support/mycelium.ts"
import { stateOf, versionsOf } from "../../../support/sealed.ts"
import { until } from "../../../support/until.ts"
import { bun, isRunning } from "../../../support/running.ts"
import { program } from "./harness.ts"
import { KeyService } from "./key-service.ts"

/**
 * The whole way, by the binary: a first value, a second one, the old one revoked; and with a
 * program that cannot log in.
 */

async function shop(service: KeyService, more: object, env: object = {}): Promise<Project> {
  const secret = {
    driver: "exec",
    command: [bun, program],
    env: { SERVICE: service.url, ...env },
    ...more,
  }
  return layOut(
    {},
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { key: secret },
          outputs: [
            { dotenv: ".env", variables: { KEY: "{{ key.password }}", USER: "{{ key.user }}" } },
          ],
        },
      },
    },
  )
}

test.each([
  ["one", 1, { user: "app" }, {}],
  ["two", 2, { user: "app", holds: "two", grace: "0s" }, {}],
  [
    "two, its word trusted",
    2,
    { user: "app", holds: "two", grace: "0s", trust_apply: true },
    { PROBE: "false" },
  ],
  ["pair", 1, { holds: "pair", users: ["blue", "green"], grace: "0s" }, {}],
] as const)(
  "exec, holds %s, rotates from a first value to a second one",
  async (_, most, options, env) => {
    await using service = await KeyService.start(most)
    await using project = await shop(service, options, env)
    expect((await project.mycelium(["init"])).code).toBe(0)
    const first = await project.mycelium(["rotate-now", "production", "--new"])
    expect(first.stdout).toContain("production/key: rotated, v1 is current")
    expect(first.code).toBe(0)
    const old = project.variable("KEY")
    const dry = await project.mycelium(["rotate-now", "production", "--dry-run"])
    expect(dry.stdout).toContain(`${bun} apply`)
    expect(dry.code).toBe(0)
    const second = await project.mycelium(["rotate-now", "production"])
    expect(second.stdout).toContain("production/key: v1 is revoked, its login is refused")
    expect(second.code).toBe(0)
    const now = project.variable("KEY")
    expect([...service.users].flatMap(([, passwords]) => passwords)).toEqual([now])
    expect(await versionsOf(project, "key")).toEqual([
      { id: "v1", stage: "retired", password: old },
      { id: "v2", stage: "current", password: now },
    ])
  },
  60_000,
)

test("exec neither waits for nor ends what another user has given a mark that looks like ours", async () => {
  await using service = await KeyService.start(1)
  await using project = await shop(service, { user: "app" })
  await project.mycelium(["init"])
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  // All that a user of the services can see of a run: the beginning of the state's id names its
  // sessions there.
  const seen = (await stateOf(project))?.id.slice(0, 8)
  const forged = Bun.spawn(["sh", "-c", "trap '' TERM; touch ready; while :; do sleep 600; done"], {
    cwd: project.folder,
    env: { PATH: "/usr/bin:/bin", MYCELIUM_RUN: `exec production/key#${seen}` },
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  })
  try {
    await until("it ignores TERM", () => project.has("ready"))
    const ran = await project.mycelium(["rotate-now", "production"])
    expect([ran.code, await isRunning(forged.pid)]).toEqual([0, true])
    // Nothing of the run is left in the state, so the next one has another mark.
    expect((await stateOf(project))?.run).toBeUndefined()
  } finally {
    process.kill(-forged.pid, "SIGKILL")
  }
}, 60_000)

test("exec goes back where a program says no, and says what to look at", async () => {
  await using service = await KeyService.start(1)
  await using project = await shop(service, { user: "app" })
  await project.mycelium(["init"])
  await project.mycelium(["rotate-now", "production", "--new"])
  const old = project.variable("KEY")
  project.configure({
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: {
          key: {
            driver: "exec",
            command: [bun, program],
            user: "app",
            env: { SERVICE: service.url, ODD: "message" },
          },
        },
        outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
      },
    },
  })
  const refused = await project.mycelium(["rotate-now", "production"])
  expect(refused.stdout).toContain("apply ended with code 1 (exec-failed)")
  expect(refused.stdout + refused.stderr).not.toContain(old)
  expect(refused.code).toBe(1)
  expect(project.variable("KEY")).toBe(old)
  expect([...service.users]).toEqual([["app", [old]]])
}, 60_000)
