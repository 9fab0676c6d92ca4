import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type OpenBaoServer, startOpenBao, whyNoOpenBao } from "../support/servers/openbao.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { openVaultShop } from "../support/vault-shop.ts"

/** One role, one password, in an entry of OpenBao: programs that read it when they like. */

const missing = await whyNoOpenBao()
if (missing !== undefined) console.warn(`readers of entries are not tested: ${missing}`)

describe.skipIf(missing !== undefined)("one value that an entry shows", () => {
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

  test("is not rotated while its programs would be refused; check and the dry run say it, too", async () => {
    const output = { readers: { within: "5m" } }
    await using shop = await openVaultShop(vault, postgres, { one: true, output })
    await shop.adopt()
    const refused = "go on with the old value for up to 5m after the change"
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.stdout).toContain(refused)
    const ran = await shop.run("rotate-now", "production")
    expect([ran.code, ran.stdout]).toEqual([1, expect.stringContaining("(readers-would-fail)")])
    expect(ran.stdout).toContain("gap_accepted: 5m")
    const check = await shop.run("check")
    expect([check.code, check.stdout]).toEqual([4, expect.stringContaining("readers-would-fail")])
    expect([await shop.login(), (await shop.entry()).version]).toEqual(["in", 1])
  })

  test("is contained all the same, and those who are cut off are named", async () => {
    const output = { readers: { within: "5m" } }
    await using shop = await openVaultShop(vault, postgres, { one: true, output })
    await shop.adopt()
    const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run")
    expect(dry.stdout).toContain(`programs that read postgres in ${shop.id} go on`)
    const ran = await shop.run("rotate-now", "production", "--contain", "--reason", "test")
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining("(readers-would-fail)")])
    expect(ran.stdout).toContain(`programs that read postgres in ${shop.id} go on`)
    expect(await shop.login()).toBe("in")
  })

  test("is rotated where the gap is accepted, and the dry run says for whom", async () => {
    const output = { readers: { within: "5m" } }
    const secret = { gap_accepted: "5m" }
    await using shop = await openVaultShop(vault, postgres, { one: true, output, secret })
    await shop.adopt()
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.stdout).toContain(`programs that read postgres in ${shop.id} go on`)
    expect((await shop.run("check")).code).toBe(0)
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect([await shop.login(), (await shop.entry()).version]).toEqual(["in", 2])
  })

  test.each([{ on: "restart" }, { on: "refusal" }])("is rotated with %o", async (readers) => {
    await using shop = await openVaultShop(vault, postgres, { one: true, output: { readers } })
    await shop.adopt()
    expect((await shop.run("check")).code).toBe(0)
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    expect([await shop.login(), (await shop.entry()).version]).toEqual(["in", 2])
  })
})
