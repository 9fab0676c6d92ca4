import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { ActivityScope } from "../../../src/base/activity-scope.ts"
import { realHost } from "../../../src/base/system/host.ts"
import type { Landed } from "../../../src/core/entry.ts"
import type { Credential, Draft, IssuedVersions, Output, Values } from "../../../src/core/ports.ts"
import { Secret } from "../../../src/core/secret.ts"
import { awsParameter } from "../../../src/plugins/outputs/aws_parameter.ts"
import { withAwsKeys } from "../../support/aws-keys.ts"
import { errorOf } from "../../support/error-of.ts"
import { strictAccount, strictRegion } from "../../support/strict-api.ts"
import { defaultKey, StrictSsm } from "../../support/strict-ssm.ts"

/** What moto does not enforce, at a stand-in written from AWS's documentation. */

const ends = (): AbortSignal => AbortSignal.timeout(10_000)
const newValue = (): string => `v-${crypto.randomUUID()}`
const theirs = '"big":12345678901234567890,"text":"caf\\u00e9"'
const contentOf = (value: string, others = theirs): string =>
  `{"DB_USER":"shop","DB_PASSWORD":"${value}",${others}}`

function version(value: string): Credential {
  return { version: value, fields: { user: "shop", password: new Secret("test", value) } }
}
const values = (value: string): Values => ({ db: version(value) })
const knows =
  (...known: readonly string[]): IssuedVersions =>
  async () =>
    known.map(version)
const tokenOf = (content: Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(content).digest("hex")

describe("the output aws_parameter, at a strict stand-in", () => {
  let ssm: StrictSsm
  let keys: Disposable
  let activity: ActivityScope
  let leave: () => Promise<void>
  beforeAll(async () => {
    ssm = await StrictSsm.start()
    keys = withAwsKeys(ssm.keys)
  })
  afterAll(async () => {
    keys[Symbol.dispose]()
    await ssm[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    activity = new ActivityScope()
    leave = activity.join()
    ssm.reset()
    ssm.emptyPages = 0
  })
  afterEach(() => leave())

  const names = (
    (next) => () =>
      `/shop/db-${next++}`
  )(0)

  function open(name: string, options: object = {}): Output {
    const aws = {
      region: strictRegion,
      account: strictAccount,
      endpoint: ssm.address,
      listener: "any",
    }
    return awsParameter.open(
      awsParameter.options.parse({
        aws_parameter: name,
        aws,
        variables: { DB_USER: "{{ db.user }}", DB_PASSWORD: "{{ db.password }}" },
        ...options,
      }),
      {
        folder: "/",
        label: "production",
        manager: {
          host: realHost({}),
          activity,
          credential: () => Promise.reject(new Error("not asked")),
        },
      },
    )
  }

  /** As the engine does: committed, and settled if the answer was lost. */
  async function commit(draft: Draft): Promise<Landed> {
    const landed = (await draft.commit(tokenOf, ends())) as Landed
    return landed.is === "unknown" && draft.settle !== undefined
      ? draft.settle(tokenOf, ends())
      : landed
  }
  async function show(output: Output, value: string, ...known: readonly string[]): Promise<Landed> {
    return commit(await output.prepare(values(value), knows(...known, value), ends()))
  }
  const operations = (): readonly string[] => ssm.asked.map(({ operation }) => operation)
  const writes = (): number => operations().filter((one) => one === "PutParameter").length
  /** Before the first write of ours. */
  const beforeFirstWrite = (act: () => void): void => {
    let isFirst = true
    ssm.before = ({ operation }) => {
      if (operation !== "PutParameter" || !isFirst) return
      isFirst = false
      act()
    }
  }
  const loseFirstWrite = (): void => {
    let isFirst = true
    ssm.loses = ({ operation }) => {
      const loses = operation === "PutParameter" && isFirst
      if (loses) isFirst = false
      return loses
    }
  }

  test("writes its fields in four calls, and keeps those of others as they are written", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    const output = open(name)
    expect(await show(output, next, old)).toEqual({ is: "done", mark: "2" })
    expect(ssm.newest(name)?.text).toBe(contentOf(next))
    expect(operations()).toEqual([
      "GetParameter",
      "DescribeParameters",
      "GetParameter",
      "PutParameter",
    ])
    expect(await output.mark?.(ends())).toBe("2")
    expect(ssm.asked.at(-1)?.body["WithDecryption"]).toBe(false)
    expect(await output.compare(values(next), ends())).toBe("same")
  })

  test("type, key, tier, description, pattern and policies stay as they are, and no label is set", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    const policies = [
      { PolicyText: "{}", PolicyType: "NoChangeNotification", PolicyStatus: "Pending" },
    ]
    const kept = {
      type: "SecureString",
      keyId: "arn:aws:kms:eu-west-3:210987654321:key/own",
      tier: "Advanced",
      description: "the shop's database",
      pattern: "^\\{.*\\}$",
      policies,
    }
    ssm.make(name, contentOf(old), kept)
    ssm.emptyPages = 2
    expect(await show(open(name), next, old)).toMatchObject({ is: "done" })
    expect(ssm.parameters.get(name)?.kept).toEqual(kept)
    expect(ssm.asked.at(-1)?.body).not.toHaveProperty("Tags")
    expect(ssm.newest(name)?.labels).toEqual([])
  })

  test("what others write between look and write is seen before, and nothing is sent", async () => {
    const [name, old, next, other] = [names(), newValue(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    const draft = await open(name).prepare(values(next), knows(old, next), ends())
    ssm.publish(name, contentOf(other))
    expect((await commit(draft)).is).toBe("refused")
    expect(ssm.newest(name)?.text).toBe(contentOf(other))
    expect(writes()).toBe(0)
  })

  test("a value that others write at the same moment stands there again, and is told", async () => {
    const [name, old, next, other] = [names(), newValue(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    beforeFirstWrite(() => ssm.publish(name, contentOf(other)))
    const landed = await show(open(name), next, old)
    expect(landed).toMatchObject({ is: "refused", reason: expect.stringContaining("DB_PASSWORD") })
    expect(ssm.texts(name)).toEqual([old, other, next, other].map((one) => contentOf(one)))
  })

  test("fields that others write at the same moment are kept beside ours", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    beforeFirstWrite(() => ssm.publish(name, contentOf(old, '"more":1')))
    expect(await show(open(name), next, old)).toEqual({ is: "done", mark: "5" })
    expect(ssm.newest(name)?.text).toBe(contentOf(next, '"more":1'))
  })

  for (const times of [2, 3])
    test(`who writes at the same moment ${times} times has their newest content there again`, async () => {
      const [name, old, next] = [names(), newValue(), newValue()]
      const other = newValue()
      ssm.make(name, contentOf(old))
      let count = 0
      ssm.before = ({ operation }) => {
        if (operation === "PutParameter" && count < times)
          ssm.publish(name, contentOf(other, `"count":${++count}`))
      }
      expect((await show(open(name), next, old)).is).toBe("refused")
      expect(ssm.newest(name)?.text).toBe(contentOf(other, `"count":${times}`))
    })

  test("who writes at each moment is told of, and that the history has what was replaced", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    let count = 0
    ssm.before = ({ operation }) => {
      if (operation === "PutParameter") ssm.publish(name, contentOf(old, `"count":${count++}`))
    }
    const landed = await show(open(name), next, old)
    expect(landed.is).toBe("refused")
    expect(count).toBeLessThan(20)
  })

  for (const lost of ["GetParameter", "DescribeParameters", "PutParameter"])
    for (const nth of lost === "GetParameter" ? [1, 2] : [1])
      test(`the answer to ${lost} ${nth} is lost: it stands there once, and is known to`, async () => {
        const [name, old, next] = [names(), newValue(), newValue()]
        ssm.make(name, contentOf(old))
        let times = 0
        ssm.loses = ({ operation }) => operation === lost && ++times === nth
        const output = open(name)
        const first = await show(output, next, old).catch(() => undefined)
        const landed = first?.is === "done" ? first : await show(output, next, old)
        expect(landed).toEqual({ is: "done", mark: "2" })
        expect(ssm.texts(name)).toEqual([contentOf(old), contentOf(next)])
      })

  test("the answer is lost, and others wrote at the same moment: theirs stands there again", async () => {
    const [name, old, next, other] = [names(), newValue(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    beforeFirstWrite(() => ssm.publish(name, contentOf(other)))
    loseFirstWrite()
    expect((await show(open(name), next, old)).is).toBe("refused")
    expect(ssm.newest(name)?.text).toBe(contentOf(other))
  })

  test("the answer is lost, and others wrote after it: theirs stays", async () => {
    const [name, old, next, other] = [names(), newValue(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    loseFirstWrite()
    const draft = await open(name).prepare(values(next), knows(old, next), ends())
    expect(((await draft.commit(tokenOf, ends())) as Landed).is).toBe("unknown")
    ssm.publish(name, contentOf(other))
    expect((await draft.settle?.(tokenOf, ends()))?.is).toBe("refused")
    expect(ssm.newest(name)?.text).toBe(contentOf(other))
  })

  test("a write that has not landed is sent again; that the first may still land is known on the way back", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    const output = open(name)
    let times = 0
    ssm.delays = ({ operation }) => operation === "PutParameter" && times++ === 0
    const draft = await output.prepare(values(next), knows(old, next), ends())
    // The same content once more: what comes late changes nothing.
    expect(await commit(draft)).toEqual({ is: "done", mark: "2" })
    const back = await output.restore(draft.before?.bytes, ends())
    const landed = await commit(back)
    expect(landed).toMatchObject({
      is: "unknown",
      reason: expect.stringContaining("may still replace it"),
    })
    expect(ssm.newest(name)?.text).toBe(contentOf(old))
    ssm.release()
    expect(ssm.newest(name)?.text).toBe(contentOf(next))
    // The next turn: it is owed, so it is written once more.
    const owed = Object.assign(knows(old, next), { mayStillLand: () => true })
    expect(await commit(await open(name).prepare(values(old), owed, ends()))).toMatchObject({
      is: "done",
    })
    expect(ssm.newest(name)?.text).toBe(contentOf(old))
  })

  test("what came late before the way back is known for ours, and undone", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    const output = open(name)
    ssm.delays = ({ operation }) => operation === "PutParameter"
    const draft = await output.prepare(values(next), knows(old, next), ends())
    expect(((await draft.commit(tokenOf, ends())) as Landed).is).toBe("unknown")
    ssm.delays = () => false
    const back = await output.restore(draft.before?.bytes, ends(), { again: true })
    beforeFirstWrite(() => ssm.release())
    expect(await commit(back)).toMatchObject({ is: "done" })
    expect(ssm.newest(name)?.text).toBe(contentOf(old))
  })

  test("a way back is a new version with the former content", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    const output = open(name)
    const draft = await output.prepare(values(next), knows(old, next), ends())
    await commit(draft)
    await commit(await output.restore(draft.before?.bytes, ends()))
    expect(ssm.texts(name)).toEqual([old, next, old].map((one) => contentOf(one)))
  })

  test("a parameter is made if the config says so, only while there is none; else its absence is an error", async () => {
    const [name, next] = [names(), newValue()]
    expect((await errorOf(show(open(name), next))).code).toBe("entry-missing")
    const made = open(name, { create: true })
    expect(await show(made, next)).toEqual({ is: "done", mark: "1" })
    expect(ssm.parameters.get(name)).toMatchObject({
      versions: [{ text: `{"DB_USER":"shop","DB_PASSWORD":"${next}"}` }],
      kept: { type: "SecureString", tier: "Standard", keyId: defaultKey },
    })
    const raced = names()
    const draft = await open(raced, { create: true }).prepare(values(next), knows(next), ends())
    ssm.make(raced, contentOf("theirs"))
    expect((await commit(draft)).is).toBe("refused")
    expect(ssm.newest(raced)?.text).toBe(contentOf("theirs"))
  })

  test("nothing is read or made in the account of other credentials", async () => {
    const [name, old] = [names(), newValue()]
    ssm.make(name, contentOf(old))
    const aws = {
      region: strictRegion,
      account: "111111111111",
      endpoint: ssm.address,
      listener: "any",
    }
    for (const one of [name, names()])
      expect((await errorOf(show(open(one, { create: true, aws }), newValue(), old))).code).toBe(
        "aws-account-differs",
      )
    expect(writes()).toBe(0)
  })

  const expires = [{ PolicyText: "{}", PolicyType: "Expiration", PolicyStatus: "Pending" }]
  for (const [code, kept] of [
    ["aws-parameter-not-secure", { type: "String" }],
    ["aws-parameter-expires", { tier: "Advanced", policies: expires }],
  ] as const)
    test(`is refused before anything is written: ${code}`, async () => {
      const [name, old] = [names(), newValue()]
      ssm.make(name, contentOf(old), kept)
      expect((await errorOf(show(open(name), newValue(), old))).code).toBe(code)
      const found = await open(name).inspect?.(ends())
      expect(found?.findings.map((one) => one.code)).toEqual([code])
      expect(ssm.texts(name)).toEqual([contentOf(old)])
    })

  for (const [tier, most] of [
    ["Standard", 4096],
    ["Advanced", 8192],
  ] as const)
    test(`${most} bytes are the most of the tier ${tier}, said when it is planned`, async () => {
      const [name, old] = [names(), newValue()]
      const room = most - contentOf(old, '"theirs":""').length
      ssm.make(name, contentOf(old, `"theirs":"${"x".repeat(room)}"`), { tier })
      const output = open(name)
      const error = await errorOf(output.prepare(values(`${old}y`), knows(old), ends()))
      expect(error.code).toBe("aws-parameter-too-large")
      expect(writes()).toBe(0)
      const same = newValue()
      expect(await show(output, same, old)).toMatchObject({ is: "done" })
      expect(ssm.parameters.get(name)?.kept.tier).toBe(tier)
    })

  test("a limit of AWS is said: a label on the oldest of 100 versions", async () => {
    const [name, old] = [names(), newValue()]
    ssm.make(name, contentOf(old))
    for (let count = 1; count < 100; count++) ssm.publish(name, contentOf(old))
    ssm.label(name, 1, "release")
    const landed = await show(open(name), newValue(), old)
    expect(landed).toMatchObject({
      is: "refused",
      reason: expect.stringContaining("ParameterMaxVersionLimitExceeded"),
    })
    expect(ssm.newest(name)?.text).toBe(contentOf(old))
  })

  test("each right that is missing is named as a policy, and nothing changes", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    ssm.make(name, contentOf(old))
    for (const operation of ["GetParameter", "DescribeParameters", "PutParameter"]) {
      ssm.denied.clear()
      ssm.denied.add(operation)
      const said = await show(open(name), next, old).then(
        (landed) => ({ code: landed.is, text: landed.is === "done" ? "" : landed.reason }),
        (error: { code: string; message: string }) => ({ code: error.code, text: error.message }),
      )
      expect(["not-permitted", "refused"]).toContain(said.code)
      expect(said.text).toContain(`AWS does not permit ssm:${operation}`)
      const found = await open(name).inspect?.(ends())
      expect(found?.account).toContain(`arn:aws:iam::${strictAccount}:user/strict`)
      expect(found?.findings).toEqual([
        expect.objectContaining({ code: "not-permitted", severity: "error" }),
      ])
      expect(found?.findings[0]?.message).toContain(operation)
      expect(found?.findings[0]?.remedy).toContain(
        `"ssm:PutParameter"],"Resource":"arn:aws:ssm:${strictRegion}:${strictAccount}:parameter${name}"`,
      )
      expect(ssm.texts(name)).toEqual([contentOf(old)])
    }
  })

  test("a check that finds all well writes nothing, and names the key", async () => {
    const [name, old] = [names(), newValue()]
    ssm.make(name, contentOf(old))
    const found = await open(name).inspect?.(ends())
    expect(found).toEqual({
      account: `arn:aws:iam::${strictAccount}:user/strict (KMS key alias/shop)`,
      findings: [],
    })
    expect(ssm.texts(name)).toEqual([contentOf(old)])
    const none = names()
    await open(none).inspect?.(ends())
    expect(ssm.newest(none)).toBeUndefined()
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
