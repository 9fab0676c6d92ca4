import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import {
  type AwsShop,
  type AwsShopOptions,
  openAwsShop,
  parameterRights,
  pollAws,
} from "../support/aws-shop.ts"
import { HttpRelay } from "../support/http-relay.ts"
import { type MotoServer, startMoto, whyNoMoto } from "../support/servers/moto.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"

/** A pair of PostgreSQL that programs read from a parameter of AWS. ROTATIONS=50 is the long run, by hand. */

const missing = await whyNoMoto()
if (missing !== undefined) console.warn(`parameters of AWS are not tested: ${missing}`)
const rotations = Number(process.env["ROTATIONS"] ?? 3)
const quick = { readers: { within: "0s" } }

describe.skipIf(missing !== undefined)("a pair that a parameter of AWS shows", () => {
  let moto: MotoServer
  let postgres: PostgresServer
  beforeAll(async () => {
    moto = await startMoto()
    postgres = await startPostgres()
  })
  afterAll(async () => {
    await moto[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
  })

  /** moto answers no question without a signature, by which it is seen who listens: a relay does. */
  let relay: HttpRelay
  beforeEach(async () => {
    relay = await HttpRelay.to(moto.port)
  })
  afterEach(() => relay[Symbol.asyncDispose]())
  const openShop = (options: AwsShopOptions = {}): Promise<AwsShop> =>
    openAwsShop(moto, postgres, {
      output: quick,
      endpoint: relay.address,
      parameter: true,
      ...options,
    })

  const textOf = async (shop: AwsShop): Promise<string> =>
    JSON.stringify((await shop.entry()).fields)

  test(
    `no login of a program that polls fails in ${rotations} rotations, of 4 calls each and a look`,
    async () => {
      // The grace covers what a poll takes from its read to its login.
      await using shop = await openShop({ secret: { grace: "2s" } })
      await shop.adopt()
      const polling = pollAws(shop)
      const calls: string[][] = []
      for (let times = 0; times < rotations; times++) {
        relay.passed.length = 0
        const ran = await shop.run("rotate-now", "production")
        expect(`${ran.code} ${ran.stdout}${ran.stderr}`).toStartWith("0 ")
        calls.push(relay.passed.flatMap(({ target }) => target ?? []))
      }
      const { logins, failed } = await polling.stop()
      expect(failed).toBe(0)
      expect(logins).toBeGreaterThan(rotations)
      expect((await shop.entry()).fields?.["theirs"]).toBe("stays")
      console.info(`${logins} logins, ${rotations} rotations`)
      // What is read, judged, looked at once more, and put; then, before the former value is taken away, its mark.
      for (const one of calls)
        expect(one).toEqual([
          "GetParameter",
          "DescribeParameters",
          "GetParameter",
          "PutParameter",
          "GetParameter",
        ])
    },
    rotations * 20_000,
  )

  test("a restart that fails goes back, and the parameter holds its former content", async () => {
    await using shop = await openShop()
    await shop.adopt()
    const before = await textOf(shop)
    shop.project.write("sick", "")
    const ran = await shop.run("rotate-now", "production")
    expect([ran.code, ran.stdout]).toEqual([
      1,
      expect.stringContaining("went back to the old value"),
    ])
    expect(await textOf(shop)).toBe(before)
    expect(await shop.login()).toBe("in")
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect(await shop.login()).toBe("in")
  }, 60_000)

  test("an answer that is lost leaves nothing behind: every request of a rotation, in turn", async () => {
    await using shop = await openShop()
    await shop.adopt()
    relay.passed.length = 0
    await shop.run("rotate-now", "production")
    const requests = relay.passed.filter(({ target }) => target !== undefined).length
    for (let lost = 0; lost < requests; lost++) {
      let seen = 0
      relay.loses = ({ target }) => target !== undefined && seen++ === lost
      await shop.run("rotate-now", "production")
      relay.loses = () => false
      expect(await shop.login()).toBe("in")
      const next = await shop.run("rotate-now", "production")
      expect(`${lost}: ${next.code} ${next.stdout}`).toStartWith(`${lost}: 0 `)
      expect(await shop.login()).toBe("in")
      expect((await shop.entry()).fields?.["theirs"]).toBe("stays")
    }
    expect(requests).toBe(5)
  }, 120_000)

  test("a value that another program has written is not overwritten", async () => {
    await using shop = await openShop()
    await shop.adopt()
    const theirs = { user: "someone", password: crypto.randomUUID(), theirs: "new" }
    await moto.writeParameter(shop.secret, theirs)
    const { code, stdout, stderr } = await shop.run("rotate-now", "production")
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain("output-drift")
    expect((await shop.entry()).fields).toEqual(theirs)
  }, 60_000)

  for (const missing of parameterRights)
    test(`without ${missing} check --connect says so with a policy, and a rotation changes nothing`, async () => {
      const rights = parameterRights.filter((one) => one !== missing)
      await using shop = await openShop({ rights })
      const before = await textOf(shop)
      await shop.run("init")
      const { code, stdout, stderr } = await shop.run("check", "--connect")
      expect(code).not.toBe(0)
      expect(stdout + stderr).toContain(`AWS does not permit ${missing.replace("ssm:", "")}`)
      expect((stdout + stderr).replace(/\s+/g, "")).toContain(
        '"ssm:GetParameter","ssm:PutParameter"',
      )
      const adopted = await shop.run("adopt", "production")
      const ran = await shop.run("rotate-now", "production")
      expect(ran.code).not.toBe(0)
      // What cannot be read cannot be taken over.
      expect(adopted.stderr + ran.stdout + ran.stderr).toContain(missing)
      expect(await textOf(shop)).toBe(before)
      expect(await shop.login()).toBe("in")
    }, 60_000)
})
