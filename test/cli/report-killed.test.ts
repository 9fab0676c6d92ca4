import { describe, expect, test } from "bun:test"
import type { IncidentReport } from "../../src/incident/report/model.ts"
import { randomFrom } from "../../scripts/crash/cuts.ts"
import { auditFaults, stateOf } from "../support/sealed.ts"
import { start } from "../support/two-at-once.ts"
import { allDead, contain, linesOf, reportOf } from "../support/incident-report.ts"
import { type Estate, openEstate, openThreeServers, secretNames } from "../support/three-servers.ts"

/** A containment that is killed again and again ends in the same report as one that was not. */

const servers = openThreeServers()
const open = (): Promise<Estate> => openEstate(servers)

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

describe("a containment that is killed ten times, at any instant", () => {
  const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000)

  test(`ends, by the same command, in the same report as one that was not killed (CRASH_SEED=${seed})`, async () => {
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
