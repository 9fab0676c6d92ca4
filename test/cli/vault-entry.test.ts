import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { HttpRelay } from "../support/http-relay.ts"
import { login } from "../support/login.ts"
import { type OpenBaoServer, startOpenBao, whyNoOpenBao } from "../support/servers/openbao.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { openVaultShop, type VaultShop } from "../support/vault-shop.ts"

/**
 * A pair of PostgreSQL that programs read from an entry of OpenBao. ROTATIONS=50 is the long run,
 * by hand.
 */

const missing = await whyNoOpenBao()
if (missing !== undefined) console.warn(`entries of Vault are not tested: ${missing}`)
const rotations = Number(process.env["ROTATIONS"] ?? 4)
const quick = { readers: { within: "0s" } }

describe.skipIf(missing !== undefined)("a pair that an entry shows", () => {
  let vault: OpenBaoServer
  let postgres: PostgresServer
  beforeAll(async () => {
    vault = await startOpenBao()
    postgres = await startPostgres()
  })
  afterAll(async () => {
    await vault[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
  })

  /** Reads the entry and logs in, again and again, as a program that polls. */
  function poll(shop: VaultShop): { stop(): Promise<{ logins: number; failed: number }> } {
    let [isOn, logins, failed] = [true, 0, 0]
    const ended = (async () => {
      while (isOn) {
        if ((await shop.login()) !== "in") failed++
        logins++
        await Bun.sleep(5)
      }
    })()
    return {
      stop: async () => {
        isOn = false
        await ended
        return { logins, failed }
      },
    }
  }

  test(
    `no login of a program that polls fails in ${rotations} rotations, of 5 calls each and a look`,
    async () => {
      await using relay = await HttpRelay.to(vault.port)
      // The grace covers what a poll takes from its read to its login.
      const options = { output: quick, secret: { grace: "2s" }, address: relay.address }
      await using shop = await openVaultShop(vault, postgres, options)
      await shop.adopt()
      const polling = poll(shop)
      const calls: string[][] = []
      for (let times = 0; times < rotations; times++) {
        relay.passed.length = 0
        const ran = await shop.run("rotate-now", "production")
        expect(`${ran.code} ${ran.stdout}`).toStartWith("0 ")
        // Without TLS, each is preceded by a question that shows who listens.
        const asked = relay.passed
          .filter(({ path }) => path !== "/")
          .map(({ method, path }) => `${method} ${path}`)
        calls.push(asked.filter((one) => !one.includes("/v1/auth/")))
        expect(asked.length - (calls.at(-1)?.length ?? 0)).toBeLessThanOrEqual(4)
      }
      const { logins, failed } = await polling.stop()
      expect(failed).toBe(0)
      expect(logins).toBeGreaterThan(rotations)
      const { version, fields } = await shop.entry()
      expect([version, fields?.["theirs"]]).toEqual([rotations + 1, "stays"])
      console.info(`${logins} logins, ${rotations} rotations`)
      // What is read, judged and written; then, before the former value is taken away, its mark.
      const entry = `/v1/secret/data/${shop.path}`
      const about = `/v1/secret/metadata/${shop.path}`
      for (const one of calls)
        expect(one.toSorted()).toEqual(
          [
            "POST /v1/sys/capabilities-self",
            `GET ${entry}`,
            "GET /v1/secret/config",
            `GET ${about}`,
            `POST ${entry}`,
            `GET ${about}`,
          ].toSorted(),
        )
    },
    rotations * 20_000,
  )

  test("a restart that fails goes back, and the entry holds the former content", async () => {
    await using shop = await openVaultShop(vault, postgres, { output: quick })
    await shop.adopt()
    const before = (await shop.entry()).fields
    shop.project.write("sick", "")
    const ran = await shop.run("rotate-now", "production")
    expect([ran.code, ran.stdout]).toEqual([
      1,
      expect.stringContaining("went back to the old value"),
    ])
    expect((await shop.entry()).fields).toEqual(before)
    expect(await shop.login()).toBe("in")
  })

  test("an answer that is lost leaves nothing behind: every request of a rotation, in turn", async () => {
    await using relay = await HttpRelay.to(vault.port)
    const options = { output: quick, address: relay.address }
    await using shop = await openVaultShop(vault, postgres, options)
    await shop.adopt()
    relay.passed.length = 0
    await shop.run("rotate-now", "production")
    const requests = relay.passed.filter(({ path }) => path !== "/").length
    for (let lost = 0; lost < requests; lost++) {
      let seen = 0
      relay.loses = ({ path }) => path !== "/" && seen++ === lost
      await shop.run("rotate-now", "production")
      relay.loses = () => false
      const next = await shop.run("rotate-now", "production")
      expect(`${lost}: ${next.code} ${next.stdout}`).toStartWith(`${lost}: 0 `)
      expect(await shop.login()).toBe("in")
      expect((await shop.entry()).fields?.["theirs"]).toBe("stays")
    }
    expect(await vault.tokens()).toBeLessThanOrEqual(requests + 2)
  }, 120_000)

  test("marked values stand in no output, log or error, and in no request but those that must", async () => {
    await using shop = await openVaultShop(vault, postgres, { output: quick })
    await shop.adopt()
    const said: string[] = []
    for (const args of [
      ["rotate-now", "production", "--verbose"],
      ["status"],
      ["audit", "production"],
      ["check", "--connect"],
    ]) {
      const { stdout, stderr } = await shop.run(...args)
      said.push(stdout, stderr)
    }
    const { fields } = await shop.entry()
    const secretId = shop.project.read("secret-id").trim()
    for (const value of [String(fields?.["password"]), shop.old, secretId])
      expect(said.join("\n").includes(value)).toBe(false)
    expect(vault.logs().includes(String(fields?.["password"]))).toBe(false)
  })

  test("a containment waits for no sealed server: the entry is owed, and written once it answers", async () => {
    await using shop = await openVaultShop(vault, postgres, { output: quick })
    await shop.adopt()
    const before = await shop.entry()
    await vault.seal()
    const contained = await shop.run(
      ..."rotate-now production --contain --incident INC-1 --yes".split(" "),
    )
    await vault.unseal()
    expect([contained.code, contained.stdout]).toEqual([
      5,
      expect.stringContaining("is not written, and stays as it is"),
    ])
    expect(await login(postgres, `${shop.role}_blue`, shop.old)).not.toBe("in")
    expect(await shop.entry()).toEqual(before)
    const next = await shop.run("run", "--once")
    expect(next.code).toBe(0)
    expect(await shop.login()).toBe("in")
  })

  test("a former value that someone puts back is found, and delete takes our fields out", async () => {
    await using shop = await openVaultShop(vault, postgres, { output: quick })
    await shop.adopt()
    const { fields: former } = await shop.entry()
    await shop.run("rotate-now", "production")
    await vault.write(shop.path, former ?? {})
    const found = await shop.run("check", "--connect")
    expect([found.code, found.stdout]).toEqual([4, expect.stringContaining("output-stale: vault:")])
    expect((await shop.run("check")).code).toBe(0)
    expect((await shop.run("render", "production")).code).toBe(0)
    expect(await shop.login()).toBe("in")
    expect((await shop.run("delete", "production", "--yes")).code).toBe(0)
    expect((await shop.entry()).fields).toEqual({ theirs: "stays" })
  })

  test("a token that expires in the middle of a rotation is followed by another", async () => {
    await using relay = await HttpRelay.to(vault.port)
    const short = { token_ttl: "1s", token_max_ttl: "1s" }
    const options = { output: quick, role: short, address: relay.address }
    await using shop = await openVaultShop(vault, postgres, options)
    await shop.adopt()
    // As a program that takes longer to start than the token lives.
    shop.project.script("restart-api", "sleep 2")
    relay.passed.length = 0
    const { code, stdout } = await shop.run("rotate-now", "production")
    expect(`${code} ${stdout}`).toContain("v1 is revoked, its login is refused")
    expect(relay.passed.filter(({ path }) => path.endsWith("/login")).length).toBeGreaterThan(1)
    expect(await shop.login()).toBe("in")
  })

  test("a plan and a dry run say how long the old value lives, where programs read an entry", async () => {
    const readers = { readers: { within: "2h" } }
    await using shop = await openVaultShop(vault, postgres, {
      output: readers,
      secret: { grace: "10m" },
    })
    await shop.adopt()
    const { stdout } = await shop.run("plan")
    const [rotates = "", revokes = ""] = [
      ...stdout.matchAll(/(\d\d:\d\d) UTC .*(?:rotate|revoke)/g),
    ].map(([, time = ""]) => time)
    const minutes = (time: string): number => {
      const [hour = 0, minute = 0] = time.split(":").map(Number)
      return hour * 60 + minute
    }
    expect((minutes(revokes) - minutes(rotates) + 1440) % 1440).toBe(120)
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.stdout).toContain("the old value 2h later, since programs may go on so long")
  })

  test("plain check asks no manager, and tells nothing of one that is down", async () => {
    await using relay = await HttpRelay.to(vault.port)
    await using shop = await openVaultShop(vault, postgres, {
      output: quick,
      address: relay.address,
    })
    await shop.adopt()
    relay.passed.length = 0
    const { code } = await shop.run("check")
    await shop.run("status")
    await shop.run("plan")
    expect([code, relay.passed]).toEqual([0, []])
  })

  test("the login of a turn is given back, also when it failed", async () => {
    const before = await vault.tokens()
    await using shop = await openVaultShop(vault, postgres, { output: quick })
    await shop.adopt()
    await shop.run("rotate-now", "production")
    await shop.run("check", "--connect")
    shop.project.write("sick", "")
    await shop.run("rotate-now", "production")
    expect(await vault.tokens()).toBe(before)
    expect(await login(postgres, `${shop.role}_blue`, shop.old)).not.toBe("in")
  })
})
