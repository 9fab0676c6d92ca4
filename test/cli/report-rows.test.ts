import { describe, expect, test } from "bun:test"
import { mkdirSync, renameSync } from "node:fs"
import type { IncidentReport } from "../../src/incident/report/model.ts"
import { type Project, binary, json, layOut } from "../support/mycelium.ts"
import { until } from "../support/until.ts"

/** What the rows of a report say of programs: of each secret, who has its new value. */

const contain = (...places: readonly string[]): readonly string[] => [
  "rotate-now",
  ...places,
  "--contain",
  "--yes",
  "--incident",
  "leak-7",
]
type Healths = { readonly a: string; readonly b: string }

/**
 * Two values that no service asks for, in one file that two programs read; `extra` outputs that
 * show "two".
 */
async function openTwo(extra: readonly string[] = []): Promise<Project> {
  const program = (name: string): object => ({
    command: [`./restart-${name}`],
    reads: [".env", ...extra],
    healthy: { command: [`./health-${name}`], within: "1s" },
  })
  const project = await layOut(
    {},
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { one: "generated", two: "generated" },
          outputs: [
            {
              dotenv: ".env",
              variables: { ONE: "{{ one.password }}", TWO: "{{ two.password }}" },
            },
            ...extra.map((dotenv) => ({ dotenv, variables: { TWO: "{{ two.password }}" } })),
          ],
          deployments: { a: program("a"), b: program("b") },
        },
      },
    },
  )
  for (const name of ["a", "b"]) project.script(`restart-${name}`, "true")
  setHealths(project, { a: "true", b: "true" })
  for (const path of extra) mkdirSync(project.path(path.replace(/\/[^/]*$/, "")), { mode: 0o700 })
  for (const args of [["init"], ["rotate-now", "production", "--new"]]) {
    const { code, stdout, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args.join(" ")}: ${stdout}${stderr}`)
  }
  return project
}

function setHealths(project: Project, healths: Healths): void {
  for (const [name, act] of Object.entries(healths)) project.script(`health-${name}`, act)
}

async function reportOf(
  project: Project,
): Promise<{ readonly report: IncidentReport; readonly text: string }> {
  const report = json<IncidentReport>(await project.mycelium(["report", "leak-7", "--json"]))
  return { report, text: (await project.mycelium(["report", "leak-7"])).stdout }
}

function rowsOf({ secrets }: IncidentReport): object {
  return Object.fromEntries(
    secrets.map(({ secret, restarts }) => [
      secret,
      restarts.map(({ deployment, healthy, notRestarted }) =>
        [
          deployment,
          ...(notRestarted ? ["not restarted"] : []),
          ...(healthy ? ["healthy"] : []),
        ].join(" "),
      ),
    ]),
  )
}

function restartsIn(project: Project): readonly object[] {
  return project
    .read(project.auditPath())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ event, incident }) => event === "restart" && incident === "leak-7")
    .map(({ deployment, restarted, healthy }) => ({ deployment, restarted, healthy }))
}

describe("a program that was unhealthy when a secret was contained", () => {
  test.each([
    ["the containment of another secret", contain("production/two")],
    ["the same command again", contain("production/one")],
    ["a rotation that is no incident's", ["rotate-now", "production/two"]],
  ])(
    "has its new value in its row, too, once it is restarted well by %s",
    async (_, next) => {
      await using project = await openTwo()
      // Unhealthy from the restart on: healthy before, so that nothing but the restart is to blame.
      project.script("restart-a", "touch down")
      project.script("restart-b", "touch down")
      setHealths(project, { a: "[ ! -e down ]", b: "[ ! -e down ]" })
      expect((await project.mycelium(contain("production/one"))).code).toBe(5)
      expect(rowsOf((await reportOf(project)).report)).toEqual({ one: ["a", "b"] })
      setHealths(project, { a: "true", b: "true" })
      expect((await project.mycelium(next)).code).toBe(0)
      const { report, text } = await reportOf(project)
      expect(rowsOf(report)).toMatchObject({ one: ["a healthy", "b healthy"] })
      expect({
        unhealthy: report.unhealthy,
        not: /NOT healthy|did not get healthy/.test(text),
      }).toEqual({ unhealthy: [], not: false })
    },
    60_000,
  )
})

describe("a program that was restarted well, beside a file of it that cannot be written", () => {
  test("is not said to be unhealthy, nor not restarted, least of all in the row of a secret that the file does not show", async () => {
    await using project = await openTwo(["other/second.env"])
    renameSync(project.path("other"), project.path("elsewhere"))
    project.write("other", "no folder\n")
    expect((await project.mycelium(contain("production"))).code).not.toBe(0)
    expect(restartsIn(project)).toEqual([
      { deployment: "a", restarted: true, healthy: true },
      { deployment: "b", restarted: true, healthy: true },
    ])
    const { report, text } = await reportOf(project)
    expect({ rows: rowsOf(report), unhealthy: report.unhealthy }).toEqual({
      rows: { one: ["a healthy", "b healthy"], two: ["a healthy", "b healthy"] },
      unhealthy: [],
    })
    expect(text).toContain("second.env is not written since")
    expect(text).not.toMatch(
      /did not get healthy|NOT restarted|were not restarted|had not been restarted/,
    )
  }, 60_000)
})

describe("the log", () => {
  test("tells a restart that failed from a program that is unhealthy after it, and so does the report", async () => {
    await using project = await openTwo()
    project.script("restart-a", "exit 3")
    project.script("restart-b", "touch down")
    setHealths(project, { a: "true", b: "[ ! -e down ]" })
    expect((await project.mycelium(contain("production"))).code).toBe(7)
    expect(restartsIn(project)[0]).toEqual({ deployment: "a", restarted: false, healthy: false })
    expect(restartsIn(project)[1]).toEqual({ deployment: "b", restarted: true, healthy: false })
    const { report, text } = await reportOf(project)
    expect(rowsOf(report)).toEqual({ one: ["a not restarted", "b"], two: ["a not restarted", "b"] })
    const failed = report.timeline.filter(({ what }) => what === "failed")
    expect(failed.map(({ subject, code }) => `${subject} ${code}`)).toEqual(
      expect.arrayContaining(["a restart-failed", "b deployment-unhealthy"]),
    )
    const period = (await project.mycelium(["report", "--since", "1d"])).stdout
    expect(period).toMatch(/a restart failed +\| restart-failed/)
    expect(period).toMatch(/a program did not get healthy +\| deployment-unhealthy/)
    expect(text).toContain("1 program was not restarted. 1 program did not get healthy.")
  }, 60_000)
})

describe("a secret that has no new value", () => {
  test("is held by no program: who was restarted on the way and back again has its old one", async () => {
    await using project = await openTwo()
    // Healthy with the value that stands there now, and with no other.
    project.write("good.env", project.read(".env"))
    setHealths(project, { a: "cmp -s .env good.env", b: "true" })
    expect(
      (await project.mycelium(["rotate-now", "production/one", "--incident", "leak-7"])).code,
    ).toBe(1)
    const { report, text } = await reportOf(project)
    expect(rowsOf(report)).toEqual({ one: [] })
    expect(text).not.toMatch(/: healthy by/)
  }, 60_000)
})

describe("the time that a containment took", () => {
  test("counts from the command, not from the end of a rotation that it found unfinished", async () => {
    await using project = await openTwo()
    project.script("restart-a", "touch begun", "until [ -e go ]; do sleep 0.02; done")
    const first = Bun.spawn([binary, "rotate-now", "production/two"], {
      cwd: project.folder,
      env: { ...project.environment },
      stdio: ["ignore", "ignore", "ignore"],
    })
    await until("the restart to begin", () => project.has("begun"))
    first.kill("SIGKILL")
    await first.exited
    project.write("go", "")
    // What is resumed takes a second by itself.
    project.script("restart-b", "sleep 1")
    const before = Date.now()
    const ran = await project.mycelium(contain("production/one"))
    expect(ran.code).toBe(0)
    const { report, text } = await reportOf(project)
    const lines = project.read(project.auditPath()).trim().split("\n")
    const own = lines.map((line) => JSON.parse(line) as Record<string, string>)
    const resumed = own.findLast(({ event, secret }) => event === "promote" && secret === "two")
    const asked = own.find(({ event }) => event === "contain")?.["asked"] ?? ""
    expect({ begun: report.begun, noticed: report.noticed.at }).toEqual({
      begun: asked,
      noticed: asked,
    })
    expect(Date.parse(asked)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(resumed?.["at"] ?? "") - Date.parse(asked)).toBeGreaterThan(1000)
    expect(report.timeline.find(({ what }) => what === "begun")?.at).toBe(asked)
    // The command ends after the last act, and has begun to count at the same instant.
    const said = Number(/contained, in ([\d.]+) s/.exec(ran.stdout)?.[1])
    const told = Number(/was contained after ([\d.]+) s/.exec(text)?.[1])
    expect(told).toBeGreaterThan(2)
    expect(said).toBeGreaterThanOrEqual(told)
  }, 60_000)
})
