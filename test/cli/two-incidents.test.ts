import { expect, test } from "bun:test"
import { openGenerated } from "../support/generated.ts"
import { type Project, type Ran, json } from "../support/mycelium.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"

/** Two incidents of the same secrets: what the later one contained is contained for the earlier one, too. */

function contain(project: Project, incident: string, ...words: readonly string[]): Promise<Ran> {
  const chosen = words.length === 0 ? ["production"] : words
  return project.mycelium(["rotate-now", ...chosen, "--contain", "--yes", "--incident", incident])
}

const versions = async (project: Project): Promise<readonly string[]> =>
  (await versionsOf(project, "alpha")).map(({ id, stage }) => `${id} ${stage}`)

/** `one` cannot contain beta: its value would break out of the file. Then it can. */
async function halfContained(): Promise<Project> {
  const project = await openGenerated({}, ["alpha", "beta"])
  project.script("restart-beta", "cp beta.env beta.loaded")
  project.write("beta.env", "BETA='\n")
  return project
}

test("not contained in the first, contained in the second: the first is contained since, and its report says by what", async () => {
  await using project = await halfContained()
  const first = await contain(project, "one")
  expect(first.code).not.toBe(0)
  expect((await project.mycelium(["report", "one"])).code).toBe(7)
  const since = (await stateOf(project))?.secrets["beta"]?.uncontained?.since
  project.write("beta.env", "BETA=\n")
  const second = await contain(project, "two")
  expect({ code: second.code, out: second.stdout }).toMatchObject({ code: 0 })
  expect(since).toBeDefined()
  const report = await project.mycelium(["report", "one", "--json"])
  type Report = {
    readonly secrets: readonly {
      readonly secret: string
      readonly contained: boolean
      readonly from?: string
      readonly to?: string
      readonly notes: readonly string[]
    }[]
  }
  expect(json<Report>(report).secrets.find(({ secret }) => secret === "beta")).toMatchObject({
    contained: true,
    from: "v1",
    notes: ["contained later, by two"],
  })
  expect(report.code).toBe(0)
  // Carried on: nothing is done twice.
  const before = await versions(project)
  const again = await contain(project, "one")
  expect(again.code).toBe(0)
  expect(again.stdout).toContain("production/alpha: contained since, by two")
  expect(again.stdout).toContain("production/beta: contained since, by two")
  expect(await versions(project)).toEqual(before)
  const dry = await project.mycelium([
    "rotate-now",
    "production",
    "--contain",
    "--incident",
    "one",
    "--dry-run",
    "--json",
  ])
  expect(JSON.stringify(json<unknown>(dry))).toContain('"contained":["alpha","beta"]')
}, 60_000)

test("chosen again by another incident: the time is that incident's", async () => {
  await using project = await halfContained()
  await contain(project, "one")
  const first = (await stateOf(project))?.secrets["beta"]?.uncontained
  await contain(project, "two")
  const second = (await stateOf(project))?.secrets["beta"]?.uncontained
  expect([first?.incident, second?.incident]).toEqual(["one", "two"])
  expect(Date.parse(second?.since ?? "")).toBeGreaterThan(Date.parse(first?.since ?? ""))
  // Both are still to be ended; and the same one again keeps its time.
  await contain(project, "two")
  expect((await stateOf(project))?.secrets["beta"]?.uncontained?.since).toBe(second?.since ?? "")
  expect((await project.mycelium(["report", "one"])).code).toBe(7)
}, 60_000)
