import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { realHost } from "../../../src/base/system/host.ts"
import type { ReferenceReach } from "../../../src/core/define.ts"
import { placeOf, readReference, ReferenceOptions } from "../../../src/plugins/references/index.ts"
import { withAwsKeys } from "../../support/aws-keys.ts"
import { errorOf } from "../../support/error-of.ts"
import { strictAccount, strictRegion } from "../../support/strict-api.ts"
import { StrictSsm } from "../../support/strict-ssm.ts"

describe("a reference to a parameter of AWS", () => {
  let ssm: StrictSsm
  let keys: Disposable
  beforeAll(async () => {
    ssm = await StrictSsm.start()
    keys = withAwsKeys(ssm.keys)
  })
  afterAll(async () => {
    keys[Symbol.dispose]()
    await ssm[Symbol.asyncDispose]()
  })

  const reach: ReferenceReach = {
    folder: "/",
    env: () => undefined,
    run: () => Promise.reject(new Error("no program is run")),
    host: realHost({}),
  }
  const named = (parameter: string, field?: string): Parameters<typeof readReference>[0] =>
    ReferenceOptions().parse({
      aws_parameter: {
        parameter,
        aws: {
          region: strictRegion,
          account: strictAccount,
          endpoint: ssm.address,
          listener: "any",
        },
        ...(field === undefined ? {} : { field }),
      },
    }) as Parameters<typeof readReference>[0]
  const read = async (parameter: string, field?: string): Promise<string> =>
    (await readReference(named(parameter, field), reach)).reveal()

  test("reads one field, or the whole text, anew each time", async () => {
    const value = crypto.randomUUID()
    ssm.make("/prod/rotator", JSON.stringify({ password: value, port: 5432 }))
    ssm.make("plain", `${value}\n`)
    ssm.asked.length = 0
    expect(await read("/prod/rotator", "password")).toBe(value)
    expect(await read("plain")).toBe(value)
    ssm.publish("plain", "another")
    expect(await read("plain")).toBe("another")
    expect(ssm.asked.map(({ operation }) => operation)).toEqual(
      Array.from({ length: 3 }, () => "GetParameter"),
    )
  })

  test("says what is missing, and quotes nothing", async () => {
    const value = crypto.randomUUID()
    ssm.make("/prod/fields", JSON.stringify({ password: value, port: 5432 }))
    ssm.make("/prod/text", value)
    const codes: string[] = []
    for (const [parameter, field] of [
      ["/prod/absent", "password"],
      ["/prod/fields", "toString"],
      ["/prod/fields", "port"],
      ["/prod/text", "password"],
    ] as const) {
      const error = await errorOf(read(parameter, field))
      codes.push(error.code)
      expect(JSON.stringify([error.message, error.hint]).includes(value)).toBe(false)
    }
    expect(codes).toEqual([
      "reference-missing",
      "reference-missing",
      "reference-not-text",
      "reference-not-text",
    ])
  })

  test("has a name that says account and region, for people", () => {
    expect(placeOf(named("/prod/rotator", "password"), "/")).toBe(
      `the field password of ssm:${strictAccount}:${strictRegion}:/prod/rotator`,
    )
  })
})
