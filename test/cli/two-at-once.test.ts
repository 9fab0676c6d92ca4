import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasNoNewCode, noNewCode } from "../support/datagrams.ts"
import { binary, layOut, type Project } from "../support/mycelium.ts"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { hasSystemdUser, startSystemdUser } from "../support/servers/systemd-user.ts"
import { openShop } from "../support/shop.ts"
import { done, holdRestarts, openTwo, rotatePairs, start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"

/** Two processes on one store. `bun scripts/two-at-once.ts` tries two hundred pairs. */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

describe("two rotate-now at once", () => {
  test("on two secrets of one environment: both happen, or one is refused with the holder's name; no update is lost", async () => {
    await using project = await openTwo()
    const { faults } = await rotatePairs(project, 15)
    expect(faults).toEqual([])
  }, 60_000)

  test("on one secret: the second is refused and changes nothing", async () => {
    await using shop = await openShop(server)
    const { project } = shop
    await shop.adopt()
    holdRestarts(project)
    await using first = start(project, ["rotate-now", "production"])
    await until("the hook to begin", () => project.has("begun"))
    await until("the first to have noted it", () => notesHooks(project))
    const before = project.snapshot()
    const second = await shop.run("rotate-now", "production")
    expect([second.code, second.stdout]).toEqual([6, ""])
    expect(second.stderr).toContain(
      `production is being worked on by mycelium rotate-now, process ${first.child.pid}, since `,
    )
    expect(project.snapshot()).toEqual(before)
    project.write("go", "")
    expect(await first.child.exited).toBe(0)
    expect(
      (await versionsOf(project, "postgres")).map(({ id, stage }) => `${id} ${stage}`),
    ).toEqual(["v1 retired", "v2 current"])
    expect(await shop.login(shop.shown)).toBe("in")
  }, 30_000)
})

/** The last that a run writes before it waits for its hook. */
function notesHooks(project: Project): boolean {
  return Object.entries(project.snapshot()).some(
    ([path, text]) => path.endsWith(".lock-hooks") && text.includes("pid"),
  )
}

/**
 * So many environments whose one value is weak, so that it is due at the next scheduled time, which
 * is every second.
 */
async function manyDue(
  count: number,
): Promise<{ readonly project: Project; readonly names: readonly string[] }> {
  const names = Array.from({ length: count }, (_, index) => `env${index}`)
  const environment = (name: string): object => ({
    rotate_every: "90d",
    schedule: "* * * * * *",
    secrets: { key: "generated" },
    outputs: [{ dotenv: `${name}.env`, merge: true, variables: { KEY: "{{ key.password }}" } }],
  })
  const project = await layOut(
    {},
    {
      project: "shop",
      environments: Object.fromEntries(names.map((name) => [name, environment(name)])),
    },
  )
  await done(project, ["init"])
  for (const name of names) {
    project.write(`${name}.env`, "KEY=changeme\n")
    await done(project, ["adopt", name])
  }
  return { project, names }
}

/** Everything that is wrong with one environment in which `key` was due once. */
async function dueOnce(project: Project, name: string): Promise<readonly string[]> {
  const versions = await versionsOf(project, "key", name)
  const stages = versions.map(({ id, stage }) => `${id} ${stage}`).join(", ")
  const faults = stages === "v1 retired, v2 current" ? [] : [`${name} has ${stages}`]
  if (project.variable("KEY", `${name}.env`) !== versions.at(-1)?.password)
    faults.push(`${name} shows another value`)
  return [...faults, ...auditFaults(project, name).map((fault) => `${name}: ${fault}`)]
}

async function allRotated(project: Project, names: readonly string[]): Promise<boolean> {
  for (const name of names)
    if ((await stateOf(project, name))?.secrets["key"]?.versions.length !== 2) return false
  return true
}

describe("two run on one store", () => {
  test("rotate each due secret once between them", async () => {
    const { project, names } = await manyDue(12)
    await using _ = project
    await using one = start(project, ["run"])
    await using other = start(project, ["run"])
    await until("all are rotated", () => allRotated(project, names), 20_000)
    // What is owed after a turn is nothing: both have come to rest once they wait for a tick in ninety days.
    for (const { child } of [one, other]) child.kill("SIGTERM")
    expect(await Promise.all([one.child.exited, other.child.exited])).toEqual([0, 0])
    const rotated = [
      ...`${one.said()}${other.said()}`.matchAll(/ rotated environment=(\w+) /g),
    ].map(([, name]) => name)
    expect(rotated.sort()).toEqual([...names].sort())
    expect((await Promise.all(names.map((name) => dueOnce(project, name)))).flat()).toEqual([])
  }, 60_000)

  test("of which one is killed in its restart: the other, which was refused until then, ends what was begun, with the same value", async () => {
    await using shop = await openShop(server, { generatedOnly: true })
    const { project } = shop
    project.write(".env", "SESSION_KEY=changeme\n")
    project.write("api.loaded", "SESSION_KEY=changeme\n")
    project.configure({ ...JSON.parse(project.read("mycelium.yaml")), schedule: "* * * * * *" })
    await shop.adopt()
    holdRestarts(project)
    await using one = start(project, ["run"])
    await until("its hook to begin", () => project.has("begun"))
    await using other = start(project, ["run"])
    await until("the other is refused", () =>
      other.said().includes(`being worked on by mycelium run, process ${one.child.pid},`),
    )
    const made = project.variable("SESSION_KEY")
    project.write("go", "")
    one.child.kill("SIGKILL")
    await until(
      "the other ends it",
      () => other.said().includes(" rotated environment=production secret=session_key version=v2"),
      20_000,
    )
    expect(project.variable("SESSION_KEY")).toBe(made)
    expect(project.read("api.loaded")).toBe(project.read(".env"))
    expect(
      (await versionsOf(project, "session_key")).map(({ id, stage }) => `${id} ${stage}`),
    ).toEqual(["v1 retired", "v2 current"])
  }, 60_000)
})

describe("run and rotate-now at once", () => {
  test("on many environments: each is rotated once by the service, and once more by a command that got through", async () => {
    const { project, names } = await manyDue(8)
    await using _ = project
    await using service = start(project, ["run"])
    const ran = await Promise.all(
      names.map(async (name) => ({ name, ...(await project.mycelium(["rotate-now", name])) })),
    )
    for (const { code, stderr } of ran.filter(({ code }) => code !== 0)) {
      expect(code).toBe(6)
      expect(stderr).toContain(
        `being worked on by mycelium run, process ${service.child.pid}, since `,
      )
    }
    await until(
      "nothing is due",
      async () =>
        (
          await Promise.all(
            names.map(
              async (name) =>
                ((await stateOf(project, name))?.secrets["key"]?.versions.length ?? 0) > 1,
            ),
          )
        ).every(Boolean),
      20_000,
    )
    service.child.kill("SIGTERM")
    expect(await service.child.exited).toBe(0)
    for (const { name, code } of ran) {
      const byService = service.said().includes(` rotated environment=${name} `) ? 1 : 0
      const versions = await versionsOf(project, "key", name)
      expect([name, versions.length]).toEqual([name, 1 + byService + (code === 0 ? 1 : 0)])
      expect(project.variable("KEY", `${name}.env`)).toBe(versions.at(-1)?.password ?? "none")
      expect(versions.map(({ stage }) => stage)).toEqual([
        ...versions.slice(1).map(() => "retired"),
        "current",
      ])
      expect(auditFaults(project, name)).toEqual([])
    }
  }, 60_000)
})

test("a shell that reads .env again and again while it is rotated sees whole files only, with values of one rotation", async () => {
  await using project = await openTwo()
  project.script(
    "reader",
    'while [ ! -e enough ]; do . ./.env; echo "$ONE $OTHER"; done',
    "echo done",
  )
  const reader = Bun.spawn([project.path("reader")], {
    cwd: project.folder,
    env: { PATH: "/usr/bin:/bin" },
    stdio: ["ignore", Bun.file(project.path("seen")), "pipe"],
  })
  const pairs = new Set<string>([`${project.variable("ONE")} ${project.variable("OTHER")}`])
  for (let rotation = 0; rotation < 12; rotation++) {
    await done(project, ["rotate-now", "production"])
    pairs.add(`${project.variable("ONE")} ${project.variable("OTHER")}`)
  }
  project.write("enough", "")
  expect([await reader.exited, await reader.stderr.text()]).toEqual([0, ""])
  const seen = project.read("seen").trimEnd().split("\n")
  expect(seen.pop()).toBe("done")
  expect(seen.filter((line) => !pairs.has(line)).length).toBe(0)
  expect(new Set(seen).size).toBeGreaterThan(6)
}, 60_000)

describe.skipIf(!hasNoNewCode)(
  `a service that may make no code, and a shell${hasNoNewCode ? "" : " (skipped: the kernel knows no PR_SET_MDWE)"}`,
  () => {
    const ways = [
      { message: "the service holds the lock", holder: noNewCode, second: [] },
      { message: "the shell holds the lock", holder: [], second: noNewCode },
    ] as const
    test.each(ways)(
      "keep each other out: $message",
      async ({ holder, second }) => {
        await using shop = await openShop(server, { generatedOnly: true })
        const { project } = shop
        await shop.adopt()
        holdRestarts(project)
        await using first = start(project, ["rotate-now", "production"], holder)
        await until("the hook to begin", () => project.has("begun"))
        const refused = await project.mycelium(["rotate-now", "production"], { under: second })
        expect([refused.code, refused.stdout]).toEqual([6, ""])
        expect(refused.stderr).toContain(
          `being worked on by mycelium rotate-now, process ${first.child.pid}, since `,
        )
        const timer = await project.mycelium(["run", "--once", "--json"], { under: second })
        expect([timer.code, timer.stdout.includes('"code":"locked"')]).toEqual([6, true])
        project.write("go", "")
        expect(await first.child.exited).toBe(0)
        expect((await project.mycelium(["rotate-now", "production"], { under: second })).code).toBe(
          0,
        )
        expect((await versionsOf(project, "session_key")).map(({ id }) => id)).toEqual([
          "v1",
          "v2",
          "v3",
        ])
      },
      30_000,
    )
  },
)

const noUnits = hasSystemdUser ? "" : " (skipped: no systemd, or not root)"
describe.skipIf(!hasSystemdUser)(
  `a unit of a real systemd with MemoryDenyWriteExecute, and a shell${noUnits}`,
  () => {
    test("keep each other out", async () => {
      await using manager = await startSystemdUser()
      await using shop = await openShop(server, { generatedOnly: true })
      const { project } = shop
      await shop.adopt()
      holdRestarts(project)
      const environment = Object.entries(project.environment).map(
        ([name, value]) => `Environment=${name}=${value}`,
      )
      const hard = [
        "MemoryDenyWriteExecute=yes",
        "NoNewPrivileges=yes",
        "SystemCallArchitectures=native",
        "LimitCORE=0",
      ]
      await manager.unit(
        "hard.service",
        [
          "[Service]",
          "Type=exec",
          `ExecStart=${binary} rotate-now production`,
          `WorkingDirectory=${project.folder}`,
          ...environment,
          ...hard,
          "",
        ].join("\n"),
      )
      await manager.systemctl("start", "hard.service")
      await until("its hook to begin", () => project.has("begun"))
      const pid = await manager.systemctl("show", "-p", "MainPID", "--value", "hard.service")
      const refused = await shop.run("rotate-now", "production")
      expect(refused.code).toBe(6)
      expect(refused.stderr).toContain(
        `being worked on by mycelium rotate-now, process ${pid}, since `,
      )
      project.write("go", "")
      await until(
        "it has ended",
        async () =>
          (await manager.systemctl("show", "-p", "ActiveState", "--value", "hard.service")) !==
          "active",
      )
      expect(await manager.systemctl("show", "-p", "Result", "--value", "hard.service")).toBe(
        "success",
      )
      expect((await shop.run("rotate-now", "production")).code).toBe(0)
      expect((await versionsOf(project, "session_key")).map(({ id }) => id)).toEqual([
        "v1",
        "v2",
        "v3",
      ])
    }, 60_000)
  },
)
