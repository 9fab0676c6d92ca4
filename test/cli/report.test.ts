import { describe, expect, test } from "bun:test"
import { layOut, modeOf } from "../support/mycelium.ts"
import { versionsOf } from "../support/sealed.ts"
import { contain, linesOf, reportOf } from "../support/incident-report.ts"
import { type Estate, openEstate, openThreeServers, secretNames } from "../support/three-servers.ts"

/** The report of one incident: what it says, where it is written, and what it refuses. */

const servers = openThreeServers()
const open = (): Promise<Estate> => openEstate(servers)

describe("report INCIDENT", () => {
  test("does not say that services refuse a value that no service asks for", async () => {
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

  test("says what happened, that the incident is over, and what is left to people, for a reader who was not there", async () => {
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

  test("names what an intruder had left, and what cannot be told apart from their doing", async () => {
    await using estate = await open()
    const { project, services } = estate
    const user = String(services["redis"]?.options["user"])
    await servers.redis.command("ACL", "SETUSER", user, ">intruders-own-password")
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

  test("is written to a file that only its owner can read, and never over what a person wrote", async () => {
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

  test("a program that did not get healthy is named until a restart of it has ended well", async () => {
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
