import { expect, test } from "bun:test"
import { contain } from "../../src/incident/contain.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { containmentLines } from "../../src/cli/containment-report.ts"
import { incidentBlocks } from "../../src/cli/report/incident.ts"
import { incidentReport } from "../../src/incident/report/report.ts"
import { type Host, realHost } from "../../src/base/system/host.ts"
import { aheadOf } from "../../src/core/instants.ts"
import { readState } from "../../src/record/state-file.ts"
import { openApp } from "../support/open-app.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/** A clock that was a day ahead for one containment, and is right for the next. */

const dayMs = 86_400_000

test("the next containment says that the state is ahead, and what ends that; the report of the first says that its times are wrong", async () => {
  await using folder = await temporaryFolder()
  const clock = { wall: Date.parse("2027-03-02T12:00:00Z") }
  const host: Host = { ...realHost({}), now: () => new Date(clock.wall) }
  const app = await openApp(
    folder.path,
    "project: test\nstore: ./store\nrotate_every: 90d\n" +
      "environments:\n  one: { secrets: { k: generated } }\n",
    { host },
  )
  await rotateNow(app, "one", { why: "new", skipGrace: false, waitMs: 0 })
  const all = new Map([["one", undefined]])
  const lines = async (incident: string): Promise<readonly string[]> =>
    (await contain(app, all, { incident, revokeFirst: false })).flatMap((report) =>
      containmentLines(report, incident),
    )
  clock.wall += dayMs
  expect((await lines("I1")).join("\n")).not.toContain("clock-wrong")
  clock.wall -= dayMs - 60_000
  const said = await lines("I2")
  expect(said.find((line) => line.includes("clock-wrong"))).toContain(
    "one: the state holds times that are 23h 59m from now",
  )
  expect(said.at(-1)).toContain("without it one rotation does: mycelium rotate-now one/k")
  const reportOf = async (incident: string): Promise<string> => {
    const found = await incidentReport(
      {
        ...app,
        me: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
        stop: new AbortController().signal,
      },
      { incident, readersMs: dayMs },
    )
    if ("known" in found) throw new Error("no such incident")
    return JSON.stringify(incidentBlocks(found, []))
  }
  expect(await reportOf("I1")).toContain("Times here are wrong")
  expect(await reportOf("I2")).not.toContain("Times here are wrong")
  // The hint, to the word.
  await rotateNow(app, "one", { why: "asked", secrets: ["k"], skipGrace: false, waitMs: 0 })
  const place = { store: app.config.store, project: "test", environment: "one" }
  const document = await readState(place)
  expect(document && aheadOf(document, host.now())).toBe(0)
})
