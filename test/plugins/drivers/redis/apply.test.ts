import { describe, expect, test } from "bun:test"
import { chmod, readFile } from "node:fs/promises"
import { join } from "node:path"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import { until } from "../../../support/until.ts"
import {
  codes,
  credential,
  drafted,
  hash,
  hashesAt,
  hashesOf,
  old,
  oldPassword,
  open,
  passwordIn,
  program,
  shopLine,
  soon,
  text,
  versions,
} from "./harness.ts"

describe("draft()", () => {
  test("makes the user and a password, of the length asked for", async () => {
    await using server = await startRedis()
    const { fields } = drafted(open(server, { length: 48 }), "v2")
    expect(Object.keys(fields)).toEqual(["user", "password"])
    expect(fields["user"]).toBe("shop")
    expect(passwordIn({ version: "v2", fields })).toHaveLength(48)
  })
})

describe("apply()", () => {
  test("puts the new password beside the old one; again, it changes nothing", async () => {
    await using server = await startRedis({ acl: [shopLine] })
    const driver = open(server)
    const next = drafted(driver, "v2")
    expect(driver.describe(versions(old, next))).toBe("ACL SETUSER shop #… (second password)")
    const { acceptedAt } = await driver.apply(next, versions(old, next), soon())
    const before = await server.command("ACL", "LIST")
    await driver.apply(next, versions(old, next), soon())
    expect(await server.command("ACL", "LIST")).toEqual(before)
    expect(await hashesAt(server)).toEqual(hashesOf(old, next))
    expect(await driver.probe(old, soon())).toBe("accepted")
    expect(await driver.probe(next, soon())).toBe("accepted")
    expect(Math.abs(Date.parse(acceptedAt ?? "") - Date.now())).toBeLessThan(5000)
  })

  test.each([
    ["aclfile", "users.acl"],
    ["config", "redis.conf"],
  ] as const)(
    "the new password survives kill -9 of a server that keeps users in its %s, and so does the end of the old one",
    async (users, file) => {
      await using server = await startRedis({ users, acl: [shopLine] })
      const driver = open(server)
      const next = drafted(driver, "v2")
      const { acceptedAt } = await driver.apply(next, versions(old, next), soon())
      await server.restart("kill")
      expect(await hashesAt(server)).toEqual(hashesOf(old, next))
      await driver.revoke(
        old,
        { ...next, ...(acceptedAt === undefined ? {} : { acceptedAt }) },
        { endSessions: false },
        soon(),
      )
      await server.restart("kill")
      expect(await hashesAt(server)).toEqual(hashesOf(next))
      expect(await readFile(join(server.folder, file), "utf8")).not.toContain(passwordIn(next))
    },
  )

  test("the user default that a requirepass of redis.conf made changes itself, and stays changed", async () => {
    await using server = await startRedis({ users: "config", requirepass: oldPassword })
    const driver = open(server, { user: "default", admin: undefined })
    const current = credential("v1", oldPassword, undefined, "default")
    expect(await codes(driver, versions(current))).toEqual(["info redis-config-rewrite"])
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(current, next), soon())
    await driver.revoke(current, next, { endSessions: false }, soon())
    await server.restart("kill")
    expect(await driver.probe(next, soon())).toBe("accepted")
    expect(await driver.probe(current, soon())).toBe("refused")
  })

  test("without an admin, a login that works is found among the versions", async () => {
    await using server = await startRedis({
      acl: [`${shopLine} +acl|getuser +acl|setuser +acl|save +client|setname +time`],
    })
    const driver = open(server, { admin: undefined })
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(credential("v1", "not-the-one"), old), soon())
    expect(await hashesAt(server)).toEqual(hashesOf(old, next))
    await expect(
      driver.apply(next, versions(credential("v1", "not-the-one")), soon()),
    ).resolves.toBeDefined()
    await expect(
      driver.apply(credential("v3", "x"), versions(credential("v1", "not-the-one")), soon()),
    ).rejects.toMatchObject({ code: "password-refused" })
  })

  test.each([
    ["is missing", "other on >x", "account-missing"],
    ["is off", shopLine.replace("shop on", "shop off"), "account-locked"],
    ["is nopass", "shop on nopass ~* +@all", "password-not-asked"],
  ])("touches no user that %s", async (_, line, code) => {
    await using server = await startRedis({ acl: [line] })
    const before = await server.command("ACL", "LIST")
    const driver = open(server)
    const next = drafted(driver, "v2")
    await expect(driver.apply(next, versions(old, next), soon())).rejects.toMatchObject({ code })
    expect(await server.command("ACL", "LIST")).toEqual(before)
  })

  test("throws where the server cannot write its file; again once it can, it is done", async () => {
    await using server = await startRedis({ acl: [shopLine] })
    const driver = open(server)
    const next = drafted(driver, "v2")
    await chmod(server.folder, 0o500)
    // The server runs as the user nobody, or as ourselves: neither may write there now.
    await expect(driver.apply(next, versions(old, next), soon())).rejects.toMatchObject({
      code: "redis-save-failed",
      remedy: "retry",
    })
    // A login would be accepted, but not after a restart: it is not settled.
    await expect(driver.settle([next, old], soon())).rejects.toMatchObject({
      code: "redis-save-failed",
    })
    await chmod(server.folder, 0o700)
    expect(await driver.settle([next, old], soon())).toBe(true)
    await server.restart("kill")
    expect(await driver.probe(next, soon())).toBe("accepted")
  })

  test("ends with its deadline where the server is silent", async () => {
    await using server = await startRedis({ acl: [shopLine] })
    const driver = open(server)
    const next = drafted(driver, "v2")
    server.signal("SIGSTOP")
    await expect(driver.apply(next, versions(old, next), soon(300))).rejects.toMatchObject({
      code: "timeout",
      remedy: "retry",
    })
  })
})

describe("no value", () => {
  test("reaches MONITOR, SLOWLOG, ACL LOG, the server's log or an error", async () => {
    await using server = await startRedis({
      acl: [shopLine],
      config: { "slowlog-log-slower-than": "0", "slowlog-max-len": "10000", loglevel: "debug" },
    })
    using monitor = await program(server.port, server.admin.user, server.admin.password)
    await monitor.ask("MONITOR")
    const driver = open(server)
    const next = drafted(driver, "v2")
    const wrong = credential(
      "v9",
      passwordIn({ version: "", fields: { password: text("password") } }),
    )
    await rotate(server, { driver, next, wrong })
    await until("MONITOR to tell", () => monitor.heard().includes("TIME"))
    const said = [
      monitor.heard(),
      server.logs(),
      JSON.stringify(await server.command("SLOWLOG", "GET", "-1")),
      JSON.stringify(await server.command("ACL", "LOG")),
    ].join("\n")
    for (const value of [oldPassword, passwordIn(next), passwordIn(wrong), server.admin.password])
      expect(said).not.toContain(value)
    // The test would see one.
    expect(said).toContain("ACL")
    expect(hash(passwordIn(next))).toHaveLength(64)
  })
})

type Rotation = {
  readonly driver: ReturnType<typeof open>
  readonly next: ReturnType<typeof drafted>
  readonly wrong: ReturnType<typeof credential>
}

async function rotate(server: RedisServer, { driver, next, wrong }: Rotation): Promise<void> {
  await driver.preflight(versions(old), soon())
  const { acceptedAt } = await driver.apply(next, versions(old, next), soon())
  for (const candidate of [old, next, wrong]) await driver.probe(candidate, soon())
  await driver.settle([next, old], soon())
  await driver.revoke(
    old,
    { ...next, ...(acceptedAt === undefined ? {} : { acceptedAt }) },
    { endSessions: true },
    soon(),
  )
  expect(await hashesAt(server)).toEqual(hashesOf(next))
}
