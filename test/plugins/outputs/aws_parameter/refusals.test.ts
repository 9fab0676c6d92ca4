import { expect, test } from "bun:test"
import { awsParameter } from "../../../../src/plugins/outputs/aws_parameter.ts"
import { errorOf } from "../../../support/error-of.ts"
import { strictAccount, strictRegion } from "../../../support/strict-api.ts"
import { defaultKey } from "../../../support/strict-ssm.ts"
import { atStrictSsm, commit, contentOf, ends, knows, newValue, show, values } from "./bench.ts"

/** Where a parameter is made, and what is refused before anything is written. */

atStrictSsm("the output aws_parameter, refused or made", (bench) => {
  test("a parameter is made if the config says so, only while there is none; else its absence is an error", async () => {
    const [name, next] = [bench().name(), newValue()]
    expect((await errorOf(show(bench().open(name), next))).code).toBe("entry-missing")
    const made = bench().open(name, { create: true })
    expect(await show(made, next)).toEqual({ is: "done", mark: "1" })
    expect(bench().ssm.parameters.get(name)).toMatchObject({
      versions: [{ text: `{"DB_USER":"shop","DB_PASSWORD":"${next}"}` }],
      kept: { type: "SecureString", tier: "Standard", keyId: defaultKey },
    })
    const raced = bench().name()
    const draft = await bench()
      .open(raced, { create: true })
      .prepare(values(next), knows(next), ends())
    bench().ssm.make(raced, contentOf("theirs"))
    expect((await commit(draft)).is).toBe("refused")
    expect(bench().ssm.newest(raced)?.text).toBe(contentOf("theirs"))
  })

  test("nothing is read or made in the account of other credentials", async () => {
    const [name, old] = [bench().name(), newValue()]
    bench().ssm.make(name, contentOf(old))
    const aws = {
      region: strictRegion,
      account: "111111111111",
      endpoint: bench().ssm.address,
      listener: "any",
    }
    for (const one of [name, bench().name()])
      expect(
        (await errorOf(show(bench().open(one, { create: true, aws }), newValue(), old))).code,
      ).toBe("aws-account-differs")
    expect(bench().writes()).toBe(0)
  })

  const expires = [{ PolicyText: "{}", PolicyType: "Expiration", PolicyStatus: "Pending" }]
  for (const [code, kept] of [
    ["aws-parameter-not-secure", { type: "String" }],
    ["aws-parameter-expires", { tier: "Advanced", policies: expires }],
  ] as const)
    test(`is refused before anything is written: ${code}`, async () => {
      const [name, old] = [bench().name(), newValue()]
      bench().ssm.make(name, contentOf(old), kept)
      expect((await errorOf(show(bench().open(name), newValue(), old))).code).toBe(code)
      const found = await bench().open(name).inspect?.(ends())
      expect(found?.findings.map((one) => one.code)).toEqual([code])
      expect(bench().ssm.texts(name)).toEqual([contentOf(old)])
    })

  for (const [tier, most] of [
    ["Standard", 4096],
    ["Advanced", 8192],
  ] as const)
    test(`${most} bytes are the most of the tier ${tier}, said when it is planned`, async () => {
      const [name, old] = [bench().name(), newValue()]
      const room = most - contentOf(old, '"theirs":""').length
      bench().ssm.make(name, contentOf(old, `"theirs":"${"x".repeat(room)}"`), { tier })
      const output = bench().open(name)
      const error = await errorOf(output.prepare(values(`${old}y`), knows(old), ends()))
      expect(error.code).toBe("aws-parameter-too-large")
      expect(bench().writes()).toBe(0)
      const same = newValue()
      expect(await show(output, same, old)).toMatchObject({ is: "done" })
      expect(bench().ssm.parameters.get(name)?.kept.tier).toBe(tier)
    })

  test("a limit of AWS is said: a label on the oldest of 100 versions", async () => {
    const [name, old] = [bench().name(), newValue()]
    bench().ssm.make(name, contentOf(old))
    for (let count = 1; count < 100; count++) bench().ssm.publish(name, contentOf(old))
    bench().ssm.label(name, 1, "release")
    const landed = await show(bench().open(name), newValue(), old)
    expect(landed).toMatchObject({
      is: "refused",
      reason: expect.stringContaining("ParameterMaxVersionLimitExceeded"),
    })
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(old))
  })

  test("each right that is missing is named as a policy, and nothing changes", async () => {
    const [name, old, next] = [bench().name(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    for (const operation of ["GetParameter", "DescribeParameters", "PutParameter"]) {
      bench().ssm.denied.clear()
      bench().ssm.denied.add(operation)
      const said = await show(bench().open(name), next, old).then(
        (landed) => ({ code: landed.is, text: landed.is === "done" ? "" : landed.reason }),
        (error: { code: string; message: string }) => ({ code: error.code, text: error.message }),
      )
      expect(["not-permitted", "refused"]).toContain(said.code)
      expect(said.text).toContain(`AWS does not permit ssm:${operation}`)
      const found = await bench().open(name).inspect?.(ends())
      expect(found?.account).toContain(`arn:aws:iam::${strictAccount}:user/strict`)
      expect(found?.findings).toEqual([
        expect.objectContaining({ code: "not-permitted", severity: "error" }),
      ])
      expect(found?.findings[0]?.message).toContain(operation)
      expect(found?.findings[0]?.remedy).toContain(
        `"ssm:PutParameter"],"Resource":"arn:aws:ssm:${strictRegion}:${strictAccount}:parameter${name}"`,
      )
      expect(bench().ssm.texts(name)).toEqual([contentOf(old)])
    }
  })

  test("a check that finds all well writes nothing, and names the key", async () => {
    const [name, old] = [bench().name(), newValue()]
    bench().ssm.make(name, contentOf(old))
    const found = await bench().open(name).inspect?.(ends())
    expect(found).toEqual({
      account: `arn:aws:iam::${strictAccount}:user/strict (KMS key alias/shop)`,
      findings: [],
    })
    expect(bench().ssm.texts(name)).toEqual([contentOf(old)])
    const none = bench().name()
    await bench().open(none).inspect?.(ends())
    expect(bench().ssm.newest(none)).toBeUndefined()
  })

  test("/db and db are the same parameter, and none of Secrets Manager's", () => {
    const target = (name: string): string =>
      awsParameter.target(
        awsParameter.options.parse({
          aws_parameter: name,
          aws: { region: strictRegion, account: Number(strictAccount) },
          variables: { a: "{{ db }}" },
        }),
        "/",
      )
    expect([target("db"), target("/db")]).toEqual(
      Array.from({ length: 2 }, () => `ssm:${strictAccount}:${strictRegion}:/db`),
    )
  })

  const own = { region: strictRegion, account: strictAccount }
  for (const [options, message] of [
    [{ aws_parameter: "/db" }, "a name alone could mean any account"],
    [{ aws_parameter: "/db", aws: { region: "eu-west-3" } }, "a name alone could mean any account"],
    [{ aws_parameter: "shop/db", aws: own }, "levels that each begin with /"],
    [{ aws_parameter: "/aws/db", aws: own }, "is AWS's own"],
    [{ aws_parameter: "ssm-db", aws: own }, "is AWS's own"],
    [
      { aws_parameter: "arn:aws:ssm:eu-west-3:210987654321:parameter/db", aws: own },
      "levels that each begin with /",
    ],
  ] as const)
    test(`is a config error: ${message}, ${options.aws_parameter}`, () => {
      const said = awsParameter.options.safeParse({ variables: { a: "{{ db }}" }, ...options })
      expect(said.error?.issues.map((one) => one.message).join()).toContain(message)
    })
})
