import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import type { IncidentReport } from "../../src/incident/report/model.ts"
import type { PeriodReport } from "../../src/incident/report/period.ts"
import { randomFrom } from "../../scripts/crash/cuts.ts"
import { json, layOut, modeOf } from "../support/mycelium.ts"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"
import { type Estate, loginWithOld, openEstate, secretNames } from "../support/three-servers.ts"
import { start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"

/**
 * Incidents on three servers: killed in the middle, with a server that is down; and what is told of
 * them afterwards.
 */

let postgres: PostgresServer
let other: PostgresServer
let redis: RedisServer
beforeAll(async () => {
  ;[postgres, other, redis] = await Promise.all([startPostgres(), startPostgres(), startRedis()])
}, 60_000)
afterAll(async () => {
  await Promise.all([postgres, other, redis].map((server) => server[Symbol.asyncDispose]()))
})

const contain = ["rotate-now", "production", "--contain", "--incident", "leak-7"]
const open = (more?: Readonly<Record<string, unknown>>): Promise<Estate> =>
  openEstate({ postgres, other, redis }, more)

async function reportOf(
  { project }: Pick<Estate, "project">,
  ...more: readonly string[]
): Promise<{ readonly code: number | undefined; readonly report: IncidentReport }> {
  const ran = await project.mycelium(["report", "leak-7", "--json", ...more])
  return { code: ran.code, report: json<IncidentReport>(ran) }
}

/** A report without what two runs may differ in: times, ids of versions, how often something was tried. */
function alike({
  contained,
  left,
  carryOn,
  unhealthy,
  secrets,
  checks,
  readers,
}: IncidentReport): unknown {
  return {
    contained,
    left,
    carryOn,
    unhealthy,
    secrets: secrets
      .map((one) => ({
        secret: one.secret,
        driver: one.driver,
        contained: one.contained,
        from: one.from,
        accepted: one.acceptedAt !== undefined,
        dead: one.dead.map(({ version }) => version),
        restarts: one.restarts.map(({ deployment, healthy, health }) => ({
          deployment,
          healthy,
          health,
        })),
      }))
      .toSorted((one, two) => (one.secret < two.secret ? -1 : 1)),
    checks: checks.flatMap(({ findings }) => findings),
    readers: readers.rows.map(({ how, secrets: names }) => ({ how, names })),
  }
}

type Line = {
  readonly event: string
  readonly secret?: string
  readonly version?: string
  readonly incident?: string
  readonly [field: string]: unknown
}
function linesOf({ project }: Estate): readonly Line[] {
  return readFileSync(project.auditPath(), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line)
}

async function allDead(estate: Estate): Promise<readonly string[]> {
  return Promise.all(["postgres", "orders", "redis"].map((name) => loginWithOld(estate, name)))
}

describe("report INCIDENT", () => {
  test("says of values that no service asks for what is true of those, not that services refuse them", async () => {
    const secrets = { one: "generated", two: "generated" }
    await using project = await layOut(
      {},
      {
        project: "shop",
        environments: {
          production: {
            rotate_every: "90d",
            secrets,
            outputs: [
              {
                dotenv: ".env",
                variables: { ONE: "{{ one.password }}", TWO: "{{ two.password }}" },
              },
            ],
          },
        },
      },
    )
    await project.mycelium(["init"])
    expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
    expect((await project.mycelium([...contain, "--yes"])).code).toBe(0)
    const { stdout } = await project.mycelium(["report", "leak-7"])
    expect(stdout).toContain(
      "Contained: yes. All 2 secrets that were chosen have new values. No service is asked for them: ",
    )
    expect(stdout).not.toMatch(/ervices? refuses? the old/)
  })

  test("tells one who was not there what happened, that it is over, and what is left to people", async () => {
    await using estate = await open()
    const { project } = estate
    expect(
      (await project.mycelium(["exec", "production", "--from", "redis.env", "--", "true"])).code,
    ).toBe(0)
    expect((await project.mycelium(["check", "--connect"])).code).toBe(0)
    expect((await project.mycelium([...contain, "--reason", "a laptop | was <stolen>"])).code).toBe(
      0,
    )
    const { code, report } = await reportOf(estate, "--noticed", "2h")
    expect({ code, contained: report.contained, left: report.left }).toEqual({
      code: 0,
      contained: true,
      left: [],
    })
    expect(
      report.secrets.map((one) => [
        one.secret,
        one.from,
        one.to,
        one.dead.map(({ version }) => version),
      ]),
    ).toEqual([
      ["postgres", "v1", "v2", ["v1"]],
      ["orders", "v1", "v2", ["v1"]],
      ["redis", "v1", "v2", ["v1"]],
      ["session_key", "v1", "v2", []],
    ])
    expect(
      report.secrets.map(({ restarts }) =>
        restarts.map(({ deployment, healthy, health }) => [deployment, healthy, health]),
      ),
    ).toEqual(
      secretNames.map((name) => [[name, true, name === "session_key" ? "none" : "command"]]),
    )
    expect(report.readers.rows.find(({ how }) => how === "exec true")).toMatchObject({
      times: 1,
      secrets: ["redis"],
    })
    expect(
      report.readers.rows.find(({ how }) => how.startsWith("check --connect"))?.secrets?.toSorted(),
    ).toEqual(["orders", "postgres", "redis"])
    const instants = [report.noticed.at, report.begun, report.containedAt ?? "", report.at]
    expect(instants).toEqual(instants.toSorted())

    const text = (await project.mycelium(["report", "leak-7"])).stdout
    for (const words of [
      "Contained: yes. All 4 secrets that were chosen have new values. " +
        "Services refused the old values of 3; the last proof is of ",
      ", and this report asks no service. No service is asked for 1: ",
      "v1: login refused at ",
      "a restart alone proves little",
      "## Root cause",
      "## Lessons",
      "## Procedures changed",
      "mycelium audit verify --heads heads.txt",
      "a laptop \\| was \\<stolen\\>",
    ])
      expect(text).toContain(words)
    // The heads are those that audit verify takes.
    const head = /^production \d+ [0-9a-f]{64}$/m.exec(text)?.[0] ?? ""
    project.write("heads.txt", `${head}\n`)
    expect((await project.mycelium(["audit", "verify", "--heads", "heads.txt"])).code).toBe(0)
    const page = (await project.mycelium(["report", "leak-7", "--html"])).stdout
    expect(page).toContain("a laptop | was &lt;stolen&gt;")
    expect(/<script|https?:|<link|<img|url\(/.exec(page)).toBeNull()
    const values = (await Promise.all(secretNames.map((name) => versionsOf(project, name))))
      .flat()
      .flatMap(({ password }) => password ?? [])
    expect(values).toHaveLength(8)
    for (const said of [text, page, JSON.stringify(report)])
      expect(values.filter((value) => said.includes(value))).toEqual([])
  })

  test("tells what an intruder had left, and what cannot be told from him", async () => {
    await using estate = await open()
    const { project, services } = estate
    const user = String(services["redis"]?.options["user"])
    await redis.command("ACL", "SETUSER", user, ">intruders-own-password")
    expect((await project.mycelium(contain)).code).toBe(0)
    const { report } = await reportOf(estate)
    const notes = report.secrets
      .map((one) => [one.secret, one.notes] as const)
      .filter(([, own]) => own.length > 0)
    expect(notes).toEqual([
      ["redis", [expect.stringContaining(`user ${user} holds a password besides ours`)]],
    ])
    expect(linesOf(estate).filter(({ event }) => event === "found")).toMatchObject([
      { secret: "redis", code: "unknown-password", incident: "leak-7" },
    ])
    expect((await project.mycelium(["report", "leak-7"])).stdout).toContain(
      "- production/redis: user",
    )
  })

  test("goes into a file that only we can read, and never over what a person wrote", async () => {
    await using estate = await open()
    const { project } = estate
    expect((await project.mycelium(contain)).code).toBe(0)
    for (const kind of [[], ["--html"], ["--json"]]) {
      const write = (
        ...more: readonly string[]
      ): Promise<{ readonly code: number | undefined; readonly stderr: string }> =>
        project.mycelium(["report", "leak-7", ...kind, "--out", "leak.report", ...more])
      expect([
        (await write("--force")).code,
        (await write()).code,
        modeOf(project.path("leak.report")),
      ]).toEqual([0, 0, "0600"])
      project.write(
        "leak.report",
        project.read("leak.report").replace("leak-7", "leak-7, and a word of mine"),
      )
      const before = project.read("leak.report")
      const refused = await write()
      expect([
        refused.code,
        refused.stderr.includes("report-exists") ||
          refused.stderr.includes("is no report as mycelium made it"),
        project.read("leak.report") === before,
      ]).toEqual([1, true, true])
      expect((await write("--force")).code).toBe(0)
    }
  })

  test("an unknown incident, and contradictions, are refused", async () => {
    await using estate = await open()
    const { project } = estate
    for (const args of [
      ["leak-8"],
      [],
      ["leak-7", "--html", "--json"],
      ["leak-7", "--force"],
      ["--since", "90d", "--noticed", "1h"],
      ["leak-7", "--noticed", "soon"],
      ["--since", "90d", "staging"],
    ]) {
      expect({ args, code: (await project.mycelium(["report", ...args])).code }).toEqual({
        args,
        code: 2,
      })
    }
  })

  test("a rotation under the incident's name without --contain is not contained, and the report says why", async () => {
    await using estate = await open()
    const { project } = estate
    expect(
      (await project.mycelium(["rotate-now", "production/redis", "--incident", "leak-7"])).code,
    ).toBe(0)
    const { code, report } = await reportOf(estate)
    expect({
      code,
      left: report.left.map((one) => [one.secret, one.code]),
      carryOn: report.carryOn,
    }).toEqual({
      code: 7,
      left: [["redis", "not-contained"]],
      carryOn: ["rotate-now", "production/redis", "--contain", "--incident", "leak-7"],
    })
    expect((await project.mycelium(report.carryOn ?? [])).code).toBe(0)
    expect((await reportOf(estate)).code).toBe(0)
  })

  test("a program that did not get healthy is named until a restart has ended well", async () => {
    await using estate = await open()
    const { project } = estate
    project.write("redis.good", project.read("redis.env"))
    project.script(
      "health-redis",
      "cmp -s redis.env redis.loaded && { [ ! -e redis.good ] || cmp -s redis.loaded redis.good; }",
    )
    const config = JSON.parse(project.read("mycelium.yaml")) as {
      environments: { production: { deployments: { redis: { healthy: { within: string } } } } }
    }
    config.environments.production.deployments.redis.healthy.within = "1s"
    project.configure(config)
    expect((await project.mycelium(contain)).code).toBe(5)
    const { code, report } = await reportOf(estate)
    expect({
      code,
      unhealthy: report.unhealthy.map(({ deployment }) => deployment),
      healthyAt: report.healthyAt,
    }).toEqual({ code: 0, unhealthy: ["redis"], healthyAt: undefined })
    project.script("health-redis", "cmp -s redis.env redis.loaded")
    expect((await project.mycelium(["rotate-now", "production/redis"])).code).toBe(0)
    expect((await reportOf(estate)).report.unhealthy).toEqual([])
  })
})

describe("a containment that is killed ten times, wherever it is", () => {
  const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000)

  test(`ends, by the same command, in the report of one that was left alone (CRASH_SEED=${seed})`, async () => {
    const random = randomFrom(seed)
    await using calm = await open()
    const undisturbed = await calm.project.mycelium(contain)
    expect(undisturbed.code).toBe(0)
    await using estate = await open()
    const { project } = estate
    const seen: string[] = []
    // The early ones first: they leave more to do. A run that ended before its kill was shorter,
    // for the ones before had done its work.
    const instants = Array.from({ length: 10 }, () => random() * undisturbed.ms * 0.8).toSorted(
      (one, two) => one - two,
    )
    for (let shorter = 1, round = 0; seen.length < 10 && round < 60; round++) {
      const at = Math.round((instants[seen.length] ?? 0) * shorter)
      await using run = start(project, contain)
      const ended = await Promise.race([
        run.child.exited.then(() => true),
        Bun.sleep(at).then(() => false),
      ])
      if (ended) {
        shorter *= 0.8
        continue
      }
      run.child.kill("SIGKILL")
      await run.child.exited
      const document = await stateOf(project)
      const done = Object.values(document?.secrets ?? {}).filter(
        ({ contained }) => contained !== undefined,
      ).length
      seen.push(`${at}${document?.changeSet === undefined ? "" : "j"}:${done}`)
    }
    const killed = seen.length
    let last = await project.mycelium(contain)
    // What a killed run had under way at a service may still hold it up for a moment.
    for (let again = 0; last.code !== 0 && again < 5; again++)
      last = await project.mycelium(contain)
    const about = { seed, killed, of: Math.round(undisturbed.ms), at: seen.join(" ") }
    expect(killed).toBe(10)
    expect({ ...about, code: last.code, out: last.code === 0 ? "" : last.stdout }).toEqual({
      ...about,
      code: 0,
      out: "",
    })
    const [one, two] = [await reportOf(calm), await reportOf(estate)]
    expect({ ...about, code: two.code, report: alike(two.report) }).toEqual({
      ...about,
      code: one.code,
      report: alike(one.report),
    })
    expect(await allDead(estate)).toEqual(["28P01", "28P01", "WRONGPASS"])
    expect(auditFaults(project)).toEqual([])
    // A value more is made only where one was given up, and the log says of which.
    for (const name of secretNames) {
      const lines = linesOf(estate).filter(({ secret }) => secret === name)
      const made = lines.filter(({ event }) => event === "generate").length
      const givenUp = linesOf(estate).filter(
        ({ event, secret }) =>
          (event === "left" && secret === name) ||
          event === "give-up" ||
          (event === "rolled-back" && secret === name),
      ).length
      expect({
        ...about,
        name,
        made,
        promoted: lines.filter(({ event }) => event === "promote").length,
      }).toEqual({ ...about, name, made: 1 + givenUp, promoted: 1 })
    }
    console.log(
      `killed ${killed} times; undisturbed it takes ${Math.round(undisturbed.ms)} ms; ` +
        "killed at (ms, j: with an open journal, : secrets contained by then) " +
        `${seen.join(" ")}; CRASH_SEED=${seed}`,
    )
  }, 180_000)
})

describe("one of three servers is down", () => {
  /** How long until the last of the others was contained, by the log. */
  function othersMs({ secrets, begun }: IncidentReport): number {
    const ends = secrets
      .filter(({ secret }) => secret !== "orders")
      .map(({ containedAt }) => Date.parse(containedAt ?? ""))
    return Math.max(...ends) - Date.parse(begun)
  }

  test.each([
    [
      "it says nothing",
      () => Promise.resolve(other.signal("SIGSTOP", "all")),
      () => Promise.resolve(other.signal("SIGCONT", "all")),
    ],
    ["it refuses connections", () => other.stop(), () => other.start()],
  ] as const)(
    "%s: the others are contained as soon as without it, what is left is said, and the same command ends it",
    async (how, down, up) => {
      await using calm = await open()
      expect((await calm.project.mycelium(contain)).code).toBe(0)
      await using estate = await open()
      const { project } = estate
      await down()
      let first
      try {
        first = await project.mycelium(contain)
        const { code, report } = await reportOf(estate)
        expect({
          first: first.code,
          code,
          contained: report.contained,
          left: report.left.map(({ secret }) => secret),
        }).toEqual({ first: 7, code: 7, contained: false, left: ["orders"] })
        expect(report.carryOn).toEqual([
          "rotate-now",
          "production/orders",
          "--contain",
          "--incident",
          "leak-7",
        ])
        expect(
          report.secrets
            .filter(({ contained }) => contained)
            .map(({ secret }) => secret)
            .toSorted(),
        ).toEqual(["postgres", "redis", "session_key"])
        const text = (await project.mycelium(["report", "leak-7"])).stdout
        expect(text).toContain(
          "Contained: NOT yet. 3 of 4 secrets are contained. The table lists what is left; ",
        )
        expect(text).toContain(
          "mycelium rotate-now production/orders --contain --incident leak-7\n",
        )
      } finally {
        await up()
      }
      const [without, with_] = [
        othersMs((await reportOf(calm)).report),
        othersMs((await reportOf(estate)).report),
      ]
      console.log(
        `${how}: the others were contained after ${with_} ms, with all servers up after ` +
          `${without} ms; the whole run took ${Math.round(first.ms)} ms`,
      )
      // A silent server is waited for half a second after the others have answered; busy machines double all.
      expect(with_).toBeLessThan(without * 2 + 5000)
      const carryOn = (await reportOf(estate)).report.carryOn ?? []
      expect((await project.mycelium(carryOn)).code).toBe(0)
      const { code, report } = await reportOf(estate)
      expect({ code, contained: report.contained, dead: await allDead(estate) }).toEqual({
        code: 0,
        contained: true,
        dead: ["28P01", "28P01", "WRONGPASS"],
      })
    },
    120_000,
  )
})

test("what an earlier run of an incident owes at a server that hangs holds up none of those that it had not begun", async () => {
  await using estate = await open()
  const { project } = estate
  project.script(
    "restart-orders",
    "touch begun",
    "until [ -e go ]; do sleep 0.05; done",
    "cp orders.env orders.loaded",
  )
  try {
    {
      await using run = start(project, [
        "rotate-now",
        "production/orders",
        "--contain",
        "--incident",
        "leak-7",
      ])
      await until("its restart", () => project.has("begun"))
      other.signal("SIGSTOP", "all")
      project.write("go", "")
      await until(
        "its new value is current",
        async () => (await stateOf(project))?.secrets["orders"]?.contained !== undefined,
      )
      run.child.kill("SIGKILL")
      await run.child.exited
    }
    const ran = await project.mycelium(contain)
    expect(ran.code).toBe(7)
    const ends = linesOf(estate)
      .filter(({ event, secret }) =>
        event === "revoke-failed" ? secret === "orders" : event === "revoke",
      )
      .map(({ event, secret }) => `${event} ${secret}`)
    expect([...ends.slice(0, 2).toSorted(), ...ends.slice(2)]).toEqual([
      "revoke postgres",
      "revoke redis",
      "revoke-failed orders",
    ])
  } finally {
    other.signal("SIGCONT", "all")
  }
  expect((await project.mycelium(contain)).code).toBe(0)
  expect(await allDead(estate)).toEqual(["28P01", "28P01", "WRONGPASS"])
}, 180_000)

describe("an environment that could not be opened", () => {
  test("is left, by what the logs of the others say was chosen: no more of it, and no less", async () => {
    const names = Array.from(
      { length: 40 },
      (_, index) => `a_secret_with_quite_a_long_name_to_tell_it_by_${index}`,
    )
    const secrets = {
      k: "generated",
      l: "generated",
      ...Object.fromEntries(names.map((name) => [name, { driver: "generated", tags: ["many"] }])),
    }
    await using project = await layOut(
      {},
      {
        project: "shop",
        environments: Object.fromEntries(
          ["fine", "broken", "gone", "other"].map((name) => [
            name,
            { rotate_every: "90d", secrets },
          ]),
        ),
      },
    )
    for (const args of [["init"], ["rotate-now", "--all", "--new"]])
      expect((await project.mycelium(args)).code).toBe(0)
    const state = (environment: string): string => project.statePath(environment)
    await Bun.write(state("broken"), "{")
    await Bun.file(state("gone")).delete()
    expect(
      (
        await project.mycelium([
          "rotate-now",
          "fine/k",
          "broken/k",
          "gone",
          "--contain",
          "--incident",
          "leak-7",
        ])
      ).code,
    ).toBe(7)
    const { code, report } = await reportOf({ project })
    expect({
      code,
      left: report.left.map(({ environment, secret = "", code: why }) => [
        environment,
        secret,
        why,
      ]),
    }).toEqual({
      code: 7,
      left: [
        ["broken", "k", "state-broken"],
        ["gone", "", "state-older"],
      ],
    })
    expect(report.carryOn).toEqual([
      "rotate-now",
      "broken/k",
      "gone",
      "--contain",
      "--incident",
      "leak-7",
    ])
    // More names than a line holds: which of them were chosen is not known, and nothing more than
    // that is contained.
    expect(
      (await project.mycelium(["rotate-now", "--tag", "many", "--contain", "--incident", "leak-8"]))
        .code,
    ).toBe(7)
    const many = json<IncidentReport>(await project.mycelium(["report", "leak-8", "--json"]))
    expect({
      left: many.left.map(({ environment, some }) => [environment, some]),
      carryOn: many.carryOn,
    }).toEqual({
      left: [
        ["broken", true],
        ["gone", true],
      ],
      carryOn: undefined,
    })
    expect((await project.mycelium(["report", "leak-8"])).stdout).toContain(
      "with the same selection and --incident leak-8",
    )
  })
})

describe("report --since", () => {
  test("is the review of a while: rotations, failures, ages, who read, and a policy", async () => {
    await using estate = await open({ policy: "pci-dss" })
    const { project } = estate
    expect((await project.mycelium(["rotate-now", "production/redis"])).code).toBe(0)
    expect(
      (await project.mycelium(["exec", "production", "--from", "redis.env", "--", "true"])).code,
    ).toBe(0)
    project.script("restart-session_key", "exit 1")
    // Nor does it start with the old value: a person must look.
    expect((await project.mycelium(["rotate-now", "production/session_key"])).code).toBe(7)
    const ran = await project.mycelium(["report", "--since", "90d", "--json"])
    const [environment] = json<PeriodReport>(ran).environments
    expect({
      code: ran.code,
      rotations: environment?.rotations,
      failures: environment?.failures.map(({ event, times, secrets }) => ({
        event,
        times,
        secrets,
      })),
      unhealthy: environment?.unhealthy.map(({ deployment }) => deployment),
    }).toEqual({
      code: 0,
      rotations: 1,
      failures: [{ event: "rolled-back", times: 1, secrets: ["session_key"] }],
      unhealthy: ["session_key"],
    })
    expect(environment?.readers.map(({ how }) => how).toSorted()).toEqual(["adopt", "exec true"])
    const text = (await project.mycelium(["report", "--since", "90d"])).stdout
    for (const words of [
      "# Review of shop",
      "## PCI DSS in production",
      "3 secrets were adopted without a date, and are not proven to be younger than 90d.",
      "| redis | ",
      "not proven: adopted, its age is unknown",
      "a year cannot be shown yet",
    ])
      expect(text).toContain(words)
    expect((await project.mycelium(["report", "--since", "90d", "--html"])).code).toBe(0)
  })

  test("a value older than the policy allows is a breach, and is overdue", async () => {
    await using estate = await open({ policy: "pci-dss" })
    const { project } = estate
    // The clock of the machine is what it is: the state is made older by hand, which reports (they
    // hold no key) cannot notice.
    const path = project.statePath()
    const state = JSON.parse(readFileSync(path, "utf8")) as {
      secrets: Record<string, { rotatedAt: string }>
    }
    const redisState = state.secrets["redis"]
    if (redisState === undefined) throw new Error("no redis")
    redisState.rotatedAt = new Date(Date.now() - 100 * 86_400_000).toISOString()
    await Bun.write(path, `${JSON.stringify(state, null, 1)}\n`)
    const text = (await project.mycelium(["report", "--since", "90d"])).stdout
    for (const words of [
      "Needs a person: ",
      "older than their rotate_every: production/redis",
      "older than a policy allows: production/redis",
      "1 secret is older than 90d.",
    ])
      expect(text).toContain(words)
  })
})
