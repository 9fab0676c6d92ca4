import { describe, expect, test } from "bun:test"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { open } from "./harness.ts"
import { KeyService } from "./key-service.ts"

/** A program that cannot log in, and whose word the config trusts. */

const accepted = "2026-01-01T00:00:00Z"
const current: Credential = {
  version: "v9",
  fields: { password: new Secret("password", "old-value") },
  acceptedAt: accepted,
}
const next: Credential = {
  version: "v10",
  fields: { password: new Secret("password", "new-value") },
}
const control: Credential = { version: "control", fields: next.fields }
const versions = { current, pending: next, uncertain: [] }
const soon = (ms = 10_000): AbortSignal => AbortSignal.timeout(ms)

function blind(env: Readonly<Record<string, string>>): Driver {
  return open({ holds: "two", trust_apply: true, env: { PROBE: "false", ...env } })
}
async function answers(driver: Driver): Promise<readonly string[]> {
  return Promise.all([control, current, next].map((one) => driver.probe(one, soon())))
}

describe("exec with trust_apply", () => {
  test("counts a yes as proof, of a value and of a death", async () => {
    await using service = await KeyService.start(2)
    const driver = blind({ SERVICE: service.url })
    await driver.preflight({ current, uncertain: [] }, soon())
    expect(await answers(driver)).toEqual(["refused", "accepted", "unknown"])
    await driver.apply(next, versions, soon())
    expect(await answers(driver)).toEqual(["refused", "accepted", "accepted"])
    await driver.revoke(current, next, { endSessions: false }, soon())
    expect(await answers(driver)).toEqual(["refused", "refused", "accepted"])
    expect(service.log).toEqual(["set app", "drop app"])
  })

  test("after a crash takes a value that was never accepted for refused, so that it is applied again", async () => {
    const driver = blind({})
    await driver.settle([next, current], soon())
    expect(await answers(driver)).toEqual(["refused", "accepted", "refused"])
    const proven = blind({})
    await proven.settle([{ ...next, acceptedAt: accepted }, current], soon())
    expect(await answers(proven)).toEqual(["refused", "accepted", "accepted"])
    // A value from a time when the program could log in has no note of its own.
    const adopted = blind({})
    await adopted.settle([next, { version: "v9", fields: current.fields }], soon())
    expect(await answers(adopted)).toEqual(["refused", "accepted", "refused"])
  })

  test.each([
    ["exit", "refused"],
    ["refused", "refused"],
    ["later", "unknown"],
    ["killed", "unknown"],
    ["garbage", "unknown"],
  ])("after an apply that ends in %p answers %p", async (odd, answer) => {
    const driver = blind({ ODD: odd })
    await driver.preflight({ current, uncertain: [] }, soon())
    await driver.apply(next, versions, soon()).catch(() => undefined)
    expect(await answers(driver)).toEqual(["refused", "accepted", answer])
  })

  test("knows nothing of a value that was not introduced: it is not adopted on its word", async () => {
    expect(await blind({}).probe({ version: "v1", fields: next.fields }, soon())).toBe("unknown")
  })
})
