import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { realHost } from "../../../src/base/system/host.ts"
import type { ReferenceReach } from "../../../src/core/define.ts"
import { placeOf, readReference, ReferenceOptions } from "../../../src/plugins/references/index.ts"
import { withAwsKeys } from "../../support/aws-keys.ts"
import { errorOf } from "../../support/error-of.ts"
import { StrictAws, strictAccount, strictRegion } from "../../support/strict-aws.ts"

describe("a reference to a secret of AWS", () => {
  let aws: StrictAws
  let keys: Disposable
  beforeAll(async () => {
    aws = await StrictAws.start()
    keys = withAwsKeys(aws.keys)
  })
  afterAll(async () => {
    keys[Symbol.dispose]()
    await aws[Symbol.asyncDispose]()
  })

  const reach: ReferenceReach = {
    folder: "/",
    env: () => undefined,
    run: () => Promise.reject(new Error("no program is run")),
    host: realHost({}),
  }
  const named = (secret: string, field?: string): Parameters<typeof readReference>[0] =>
    ReferenceOptions().parse({
      aws_secret: {
        secret,
        aws: {
          region: strictRegion,
          account: strictAccount,
          endpoint: aws.address,
          listener: "any",
        },
        ...(field === undefined ? {} : { field }),
      },
    }) as Parameters<typeof readReference>[0]
  const read = async (secret: string, field?: string): Promise<string> =>
    (await readReference(named(secret, field), reach)).reveal()

  test("reads one field, or the whole text, anew each time", async () => {
    const value = crypto.randomUUID()
    aws.create("prod/rotator", JSON.stringify({ password: value, port: 5432 }))
    aws.create("prod/plain", `${value}\n`)
    expect(await read("prod/rotator", "password")).toBe(value)
    expect(await read("prod/plain")).toBe(value)
    aws.publish("prod/plain", "another")
    expect(await read("prod/plain")).toBe("another")
    expect(aws.asked.every(({ operation }) => operation === "GetSecretValue")).toBe(true)
  })

  test("says what is missing, and quotes nothing", async () => {
    const value = crypto.randomUUID()
    aws.create("prod/fields", JSON.stringify({ password: value, port: 5432 }))
    aws.create("prod/text", value)
    aws.create("prod/none", undefined)
    const codes: string[] = []
    for (const [secret, field] of [
      ["prod/absent", "password"],
      ["prod/none", "password"],
      ["prod/fields", "toString"],
      ["prod/fields", "port"],
      ["prod/text", "password"],
    ] as const) {
      const error = await errorOf(read(secret, field))
      codes.push(error.code)
      expect(JSON.stringify([error.message, error.hint]).includes(value)).toBe(false)
    }
    expect(codes).toEqual([
      "reference-missing",
      "reference-missing",
      "reference-missing",
      "reference-not-text",
      "reference-not-text",
    ])
  })

  test("has a name that says account and region, for people", () => {
    expect(placeOf(named("prod/rotator", "password"), "/")).toBe(
      `the field password of aws:${strictAccount}:${strictRegion}:prod/rotator`,
    )
  })

  test("credentials that cannot be found are said, with what to try", async () => {
    keys[Symbol.dispose]()
    process.env["AWS_EC2_METADATA_DISABLED"] = "true"
    const error = await errorOf(
      readReference(
        ReferenceOptions().parse({
          aws_secret: {
            secret: "a",
            aws: { region: strictRegion, account: strictAccount, profile: "no-such-profile" },
          },
        }) as Parameters<typeof readReference>[0],
        reach,
      ),
    )
    keys = withAwsKeys(aws.keys)
    expect([error.code, error.hint]).toEqual([
      "aws-credentials-missing",
      expect.stringContaining("aws sts get-caller-identity --profile no-such-profile"),
    ])
  })
})
