import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { openAwsShop, pollAws } from "../support/aws-shop.ts"
import { HttpRelay } from "../support/http-relay.ts"
import { type MotoServer, startMoto, whyNoMoto } from "../support/servers/moto.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"

/** A pair of PostgreSQL that programs read from a secret of AWS. ROTATIONS=50 is the long run, by hand. */

const missing = await whyNoMoto()
if (missing !== undefined) console.warn(`secrets of AWS are not tested: ${missing}`)
const rotations = Number(process.env["ROTATIONS"] ?? 3)
const quick = { readers: { within: "0s" } }

describe.skipIf(missing !== undefined)("a pair that a secret of AWS shows", () => {
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

  test(
    `no login of a program that polls fails in ${rotations} rotations, of 4 calls each and a look`,
    async () => {
      await using relay = await HttpRelay.to(moto.port)
      // The grace covers what a poll takes from its read to its login.
      const options = { output: quick, secret: { grace: "2s" }, endpoint: relay.address }
      await using shop = await openAwsShop(moto, postgres, options)
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
      // What is read, judged, put and moved; then, before the former value is taken away, its mark.
      // Once, the version that was there before gets a label.
      for (const [times, one] of calls.entries())
        expect(one).toEqual([
          "GetSecretValue",
          "DescribeSecret",
          ...(times === 0 ? ["UpdateSecretVersionStage"] : []),
          "PutSecretValue",
          "UpdateSecretVersionStage",
          "DescribeSecret",
        ])
    },
    rotations * 20_000,
  )
})
