import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import type { PeriodReport } from "../../src/incident/report/period.ts"
import { json } from "../support/mycelium.ts"
import { openEstate, openThreeServers } from "../support/three-servers.ts"

const servers = openThreeServers()

describe("report --since", () => {
  test("reviews a period: rotations, failures, ages, readers, and a policy", async () => {
    await using estate = await openEstate(servers, { policy: "pci-dss" })
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
    await using estate = await openEstate(servers, { policy: "pci-dss" })
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
