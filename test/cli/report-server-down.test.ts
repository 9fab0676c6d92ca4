import { describe, expect, test } from "bun:test"
import type { IncidentReport } from "../../src/incident/report/model.ts"
import { stateOf } from "../support/sealed.ts"
import { start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"
import { allDead, contain, linesOf, reportOf } from "../support/incident-report.ts"
import { type Estate, openEstate, openThreeServers } from "../support/three-servers.ts"

/**
 * An incident while one of three servers is down, or hangs: the others are contained, and the
 * report says what is left.
 */

const servers = openThreeServers()
const open = (): Promise<Estate> => openEstate(servers)

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
      () => Promise.resolve(servers.other.signal("SIGSTOP", "all")),
      () => Promise.resolve(servers.other.signal("SIGCONT", "all")),
    ],
    ["it refuses connections", () => servers.other.stop(), () => servers.other.start()],
  ] as const)(
    "%s: the others are contained as soon as if all were up, the report names what is left, and the same command ends it",
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

test("what an earlier run owes at a server that hangs does not hold up the secrets that it had not begun", async () => {
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
      servers.other.signal("SIGSTOP", "all")
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
    servers.other.signal("SIGCONT", "all")
  }
  expect((await project.mycelium(contain)).code).toBe(0)
  expect(await allDead(estate)).toEqual(["28P01", "28P01", "WRONGPASS"])
}, 180_000)
