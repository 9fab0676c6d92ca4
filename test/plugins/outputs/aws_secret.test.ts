import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { ActivityScope } from "../../../src/base/activity-scope.ts"
import { type Host, realHost } from "../../../src/base/system/host.ts"
import type { Landed } from "../../../src/core/entry.ts"
import type { Credential, IssuedVersions, Output, Values } from "../../../src/core/ports.ts"
import { Secret } from "../../../src/core/secret.ts"
import { awsSecret } from "../../../src/plugins/outputs/aws_secret.ts"
import { withAwsKeys } from "../../support/aws-keys.ts"
import { errorOf } from "../../support/error-of.ts"
import { StrictAws, strictAccount, strictRegion } from "../../support/strict-aws.ts"

/** What moto does not enforce, at a stand-in written from AWS's documentation. */

const ends = (): AbortSignal => AbortSignal.timeout(10_000)
const newValue = (): string => `v-${crypto.randomUUID()}`
const others = '"big":12345678901234567890,"text":"caf\\u00e9"'
const contentOf = (value: string): string => `{"DB_USER":"shop","DB_PASSWORD":"${value}",${others}}`

function version(value: string): Credential {
  return { version: value, fields: { user: "shop", password: new Secret("test", value) } }
}
const values = (value: string): Values => ({ db: version(value) })
const knows =
  (...known: readonly string[]): IssuedVersions =>
  async () =>
    known.map(version)
/** As the engine makes it: the same for the same content. */
const tokenOf = (content: Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(content).digest("hex")

describe("the output aws_secret, at a strict stand-in", () => {
  let aws: StrictAws
  let keys: Disposable
  let activity: ActivityScope
  let leave: () => Promise<void>
  beforeAll(async () => {
    aws = await StrictAws.start()
    keys = withAwsKeys(aws.keys)
  })
  afterAll(async () => {
    keys[Symbol.dispose]()
    await aws[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    activity = new ActivityScope()
    leave = activity.join()
    aws.reset()
  })
  afterEach(() => leave())

  const names = (
    (next) => () =>
      `shop/db-${next++}`
  )(0)

  function open(name: string, options: object = {}, host: Host = realHost({})): Output {
    return awsSecret.open(
      awsSecret.options.parse({
        aws_secret: name,
        aws: {
          region: strictRegion,
          account: strictAccount,
          endpoint: aws.address,
          listener: "any",
        },
        variables: { DB_USER: "{{ db.user }}", DB_PASSWORD: "{{ db.password }}" },
        ...options,
      }),
      {
        folder: "/",
        label: "production",
        manager: { host, activity, credential: () => Promise.reject(new Error("not asked")) },
      },
    )
  }

  /** As the engine does: drafted, staged, committed, settled. */
  async function show(output: Output, value: string, ...known: readonly string[]): Promise<Landed> {
    const draft = await output.prepare(values(value), knows(...known, value), ends())
    await draft.stage?.(tokenOf(draft.bytes), ends())
    const landed = (await draft.commit(tokenOf, ends())) as Landed
    return landed.is === "unknown" && draft.settle !== undefined
      ? draft.settle(tokenOf, ends())
      : landed
  }
  const operations = (): readonly string[] => aws.asked.map(({ operation }) => operation)

  test("writes its fields in four calls and a label, and keeps those of others as they are written", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    aws.create(name, contentOf(old))
    const output = open(name)
    const landed = await show(output, next, old)
    expect(landed).toEqual({ is: "done", mark: tokenOf(Buffer.from(contentOf(next))) })
    expect(aws.current(name)?.text).toBe(contentOf(next))
    expect(operations()).toEqual([
      "GetSecretValue",
      "DescribeSecret",
      // Once: the label of the version that was there.
      "UpdateSecretVersionStage",
      "PutSecretValue",
      "UpdateSecretVersionStage",
    ])
    expect(await output.mark?.(ends())).toBe(landed.is === "done" ? landed.mark : "")
    expect(await output.compare(values(next), ends())).toBe("same")
  })

  test("what is staged is seen by no reader, and dropped where it is given up", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    const secret = aws.create(name, contentOf(old))
    const output = open(name)
    const draft = await output.prepare(values(next), knows(old, next), ends())
    const token = tokenOf(draft.bytes)
    await draft.stage?.(token, ends())
    await draft.stage?.(token, ends())
    expect(aws.current(name)?.text).toBe(contentOf(old))
    expect([...(secret.versions.get(token)?.labels ?? [])]).toEqual(["mycelium"])
    await output.drop?.(token, ends())
    await output.drop?.(token, ends())
    expect(secret.versions.get(token)?.labels.size).toBe(0)
    aws.collect(name)
    await output.drop?.(token, ends())
    expect(secret.versions.size).toBe(1)
  })

  test("of what is live a drop takes nothing but our label", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    aws.create(name, contentOf(old))
    const output = open(name)
    const landed = await show(output, next, old)
    await output.drop?.(landed.is === "done" ? landed.mark : "", ends())
    expect(aws.current(name)?.text).toBe(contentOf(next))
  })

  test("what others publish in between is not overwritten", async () => {
    const [name, old, next, theirs] = [names(), newValue(), newValue(), newValue()]
    aws.create(name, contentOf(old))
    const draft = await open(name).prepare(values(next), knows(old, next), ends())
    await draft.stage?.(tokenOf(draft.bytes), ends())
    aws.publish(name, contentOf(theirs))
    const landed = (await draft.commit(tokenOf, ends())) as Landed
    expect(landed.is).toBe("refused")
    expect(aws.current(name)?.text).toBe(contentOf(theirs))
  })

  for (const lost of ["PutSecretValue", "UpdateSecretVersionStage"])
    test(`the answer to ${lost} is lost: it stands there once, and is known to`, async () => {
      const [name, old, next] = [names(), newValue(), newValue()]
      aws.create(name, contentOf(old))
      let times = 0
      aws.loses = ({ operation }) => operation === lost && times++ === 0
      const output = open(name)
      const first = await show(output, next, old).catch(() => undefined)
      const landed = first?.is === "done" ? first : await show(output, next, old)
      expect(landed).toEqual({ is: "done", mark: tokenOf(Buffer.from(contentOf(next))) })
      expect(aws.current(name)?.text).toBe(contentOf(next))
    })

  test("a move that comes late changes nothing after the way back", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    aws.create(name, contentOf(old))
    const output = open(name)
    const draft = await output.prepare(values(next), knows(old, next), ends())
    await draft.stage?.(tokenOf(draft.bytes), ends())
    aws.delays = ({ operation }) => operation === "UpdateSecretVersionStage"
    expect(((await draft.commit(tokenOf, ends())) as Landed).is).toBe("unknown")
    aws.delays = () => false
    const back = await output.restore(draft.before?.bytes, ends(), { again: true })
    await back.stage?.(tokenOf(back.bytes), ends())
    expect(((await back.commit(tokenOf, ends())) as Landed).is).toBe("done")
    aws.release()
    expect(aws.current(name)?.text).toBe(contentOf(old))
  })

  test("the version of those who made the secret keeps a label of ours: Terraform may follow it by its id", async () => {
    const [name, old, next, last] = [names(), newValue(), newValue(), newValue()]
    const secret = aws.create(name, contentOf(old))
    const [found = ""] = secret.versions.keys()
    const noted = await open(name).inspect?.(ends())
    expect(noted?.findings).toEqual([
      expect.objectContaining({ code: "aws-terraform", severity: "info" }),
    ])
    expect(noted?.findings[0]?.remedy).toContain("ignore_changes = [secret_string, version_stages]")
    await show(open(name), next, old)
    expect(operations().filter((one) => one === "UpdateSecretVersionStage")).toHaveLength(3)
    aws.asked.length = 0
    await show(open(name), last, old, next)
    expect(operations()).toHaveLength(4)
    aws.collect(name)
    expect([...(secret.versions.get(found)?.labels ?? [])]).toEqual(["mycelium-found"])
    expect(aws.current(name)?.text).toBe(contentOf(last))
    expect((await open(name).inspect?.(ends()))?.findings).toEqual([])
  })

  test("a version that another program publishes later gets no label", async () => {
    const [name, old, next, last] = [names(), newValue(), newValue(), newValue()]
    const secret = aws.create(name, contentOf(old))
    await show(open(name), next, old)
    const theirs = aws.publish(name, contentOf(next))
    await show(open(name), last, old, next)
    expect([...(secret.versions.get(theirs)?.labels ?? [])]).not.toContain("mycelium-found")
  })

  test("a way back is a new version with the former content", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    const secret = aws.create(name, contentOf(old))
    const [first = ""] = secret.versions.keys()
    const output = open(name)
    const draft = await output.prepare(values(next), knows(old, next), ends())
    await draft.stage?.(tokenOf(draft.bytes), ends())
    await draft.commit(tokenOf, ends())
    const back = await output.restore(draft.before?.bytes, ends())
    await back.stage?.(tokenOf(back.bytes), ends())
    await back.commit(tokenOf, ends())
    expect(aws.current(name)?.text).toBe(contentOf(old))
    expect(aws.current(name)?.id).not.toBe(first)
    expect(operations()).not.toContain("DeleteSecret")
  })

  test("a secret without a version gets its first one by the write alone, and only while it has none", async () => {
    const [name, next] = [names(), newValue()]
    aws.create(name, undefined)
    const output = open(name)
    const draft = await output.prepare(values(next), knows(next), ends())
    await draft.stage?.(tokenOf(draft.bytes), ends())
    expect(aws.current(name)).toBeUndefined()
    expect(((await draft.commit(tokenOf, ends())) as Landed).is).toBe("done")
    expect(aws.current(name)?.text).toBe(`{"DB_USER":"shop","DB_PASSWORD":"${next}"}`)
    const raced = names()
    aws.create(raced, undefined)
    const late = await open(raced).prepare(values(next), knows(next), ends())
    await late.stage?.(tokenOf(late.bytes), ends())
    aws.publish(raced, '{"theirs":"first"}')
    const landed = (await late.commit(tokenOf, ends())) as Landed
    expect([landed.is, aws.current(raced)?.text]).toEqual(["refused", '{"theirs":"first"}'])
  })

  test("a secret is made if the config says so, else its absence is an error", async () => {
    const [name, next] = [names(), newValue()]
    expect((await errorOf(show(open(name), next))).code).toBe("entry-missing")
    expect(await show(open(name, { create: true }), next)).toMatchObject({ is: "done" })
    expect(aws.current(name)?.text).toBe(`{"DB_USER":"shop","DB_PASSWORD":"${next}"}`)
  })

  test("no secret is made in the account of other credentials", async () => {
    const aws_ = {
      region: strictRegion,
      account: "111111111111",
      endpoint: aws.address,
      listener: "any",
    }
    const landed = await show(open(names(), { create: true, aws: aws_ }), newValue())
    expect([landed.is, landed.is === "done" ? "" : landed.reason]).toEqual([
      "refused",
      expect.stringContaining("of another account"),
    ])
    expect(operations()).not.toContain("CreateSecret")
  })

  const refused: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ["aws-rotation-enabled", { RotationEnabled: true }],
    ["aws-secret-owned", { OwningService: "rds" }],
    ["aws-secret-owned", { Type: "SalesforceClientSecret" }],
    ["aws-secret-replica", { PrimaryRegion: "us-east-1" }],
    ["aws-secret-deleted", { DeletedDate: 1_764_000_000 }],
  ]
  for (const [code, described] of refused)
    test(`is refused before anything is put: ${code}, ${Object.keys(described).join()}`, async () => {
      const [name, old] = [names(), newValue()]
      aws.create(name, contentOf(old)).described = described
      const error = await errorOf(open(name).prepare(values(newValue()), knows(old), ends()))
      expect(error.code).toBe(code)
      const found = await open(name).inspect?.(ends())
      expect(found?.findings.map((one) => one.code)).toEqual([code])
      expect(operations()).not.toContain("PutSecretValue")
    })

  test("while a replica is not in sync its mark is not known", async () => {
    const [name, old] = [names(), newValue()]
    const secret = aws.create(name, contentOf(old))
    const replica = (Status: string): void => {
      secret.described = { ReplicationStatus: [{ Region: "us-east-1", Status }] }
    }
    for (const status of ["InProgress", "Failed"]) {
      replica(status)
      const error = await errorOf(Promise.resolve(open(name).mark?.(ends())))
      expect([error.code, error.remedy]).toEqual(["aws-replica-behind", "retry"])
    }
    replica("InSync")
    expect(await open(name).mark?.(ends())).toBe(aws.current(name)?.id)
  })

  test("64 KiB is the most, said before anything is put", async () => {
    const [name, old] = [names(), newValue()]
    const text = `{"DB_USER":"shop","DB_PASSWORD":"${old}","theirs":"${"x".repeat(65_460)}"}`
    aws.create(name, text)
    const draft = await open(name).prepare(values(`${old}${"y".repeat(60)}`), knows(old), ends())
    const error = await errorOf(draft.stage?.(tokenOf(draft.bytes), ends()) ?? Promise.resolve())
    expect(error.code).toBe("aws-secret-too-large")
    expect(operations()).not.toContain("PutSecretValue")
  })

  test("where AWS throttles it is asked again, as long as it says; then that is the answer", async () => {
    const [name, old] = [names(), newValue()]
    aws.create(name, contentOf(old))
    const waits: number[] = []
    const host: Host = { ...realHost({}), pause: async (ms) => void waits.push(ms) }
    aws.throttles = 2
    expect(await open(name, {}, host).mark?.(ends())).toBe(aws.current(name)?.id)
    aws.throttles = 1
    aws.retryAfter = "7"
    await open(name, {}, host).mark?.(ends())
    expect(waits).toEqual([500, 1000, 7000])
    aws.throttles = 99
    aws.retryAfter = "3600"
    const error = await errorOf(Promise.resolve(open(name, {}, host).mark?.(ends())))
    expect([error.code, error.remedy, waits.length]).toEqual(["aws-throttled", "retry", 3])
  })

  test("a clock that is off is said, by how much", async () => {
    const name = names()
    aws.create(name, contentOf(newValue()))
    for (const minutes of [7, -11]) {
      aws.now = () => new Date(Date.now() + minutes * 60_000)
      const error = await errorOf(open(name).read(ends()))
      expect([error.code, error.message]).toEqual([
        "aws-clock-skewed",
        expect.stringContaining(`by ${Math.abs(minutes)} minutes`),
      ])
    }
  })

  test("each right that is missing is named as a policy, and nothing changes", async () => {
    const [name, old, next] = [names(), newValue(), newValue()]
    aws.create(name, contentOf(old))
    for (const operation of [
      "GetSecretValue",
      "DescribeSecret",
      "PutSecretValue",
      "UpdateSecretVersionStage",
    ]) {
      aws.denied.clear()
      aws.denied.add(operation)
      const said = await show(open(name), next, old).then(
        (landed) => ({ code: landed.is, text: landed.is === "done" ? "" : landed.reason }),
        (error: { code: string; message: string; hint?: string }) => ({
          code: error.code,
          text: error.message,
        }),
      )
      expect(["not-permitted", "refused"]).toContain(said.code)
      expect(said.text).toContain(`AWS does not permit secretsmanager:${operation}`)
      expect(aws.current(name)?.text).toBe(contentOf(old))
      if (operation === "PutSecretValue") continue
      const found = await open(name).inspect?.(ends())
      expect(found?.account).toContain(`arn:aws:iam::${strictAccount}:user/strict`)
      expect(found?.findings[0]?.message).toContain(operation)
      expect(found?.findings[0]?.remedy).toContain('"secretsmanager:PutSecretValue"')
    }
  })

  test("an ARN and a name with region and account are the same secret", () => {
    const arn = `arn:aws:secretsmanager:${strictRegion}:${strictAccount}:secret:shop/db-AbCdEf`
    const target = (options: object): string =>
      awsSecret.target(awsSecret.options.parse({ variables: { a: "{{ db }}" }, ...options }), "/")
    const id = `aws:${strictAccount}:${strictRegion}:shop/db`
    expect(target({ aws_secret: arn })).toBe(id)
    const own = { region: strictRegion, account: Number(strictAccount) }
    expect(target({ aws_secret: "shop/db", aws: own })).toBe(id)
  })

  const invalid: readonly (readonly [object, string])[] = [
    [{ aws_secret: "shop/db" }, "a name alone could mean any account"],
    [
      { aws_secret: "shop/db", aws: { region: "eu-west-3" } },
      "a name alone could mean any account",
    ],
    [{ aws_secret: "shop db" }, "a secret's name has letters"],
    [{ aws_secret: "a", aws: { region: "Paris", account: "210987654321" } }, "a region reads"],
    [{ aws_secret: "a", aws: { region: "eu-west-3", account: "12" } }, "an account has 12 digits"],
    [
      {
        aws_secret: "arn:aws:secretsmanager:eu-west-3:210987654321:secret:a-AbCdEf",
        aws: { region: "eu-west-1" },
      },
      "another region or account",
    ],
    [
      {
        aws_secret: "a",
        aws: { region: "eu-west-3", account: "210987654321", endpoint: "http://aws.example" },
      },
      "off this machine it begins with https://",
    ],
    [
      {
        aws_secret: "a",
        aws: { region: "eu-west-3", account: "210987654321", endpoint: "http://127.0.0.1:1" },
      },
      "say who listens there",
    ],
  ]
  for (const [options, message] of invalid)
    test(`is a config error: ${message}, ${JSON.stringify(options).slice(0, 60)}`, () => {
      const said = awsSecret.options.safeParse({ variables: { a: "{{ db }}" }, ...options })
      expect(said.error?.issues.map((one) => one.message).join()).toContain(message)
    })
})
