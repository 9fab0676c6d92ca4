import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import {
  credential,
  hashesAt,
  hashesOf,
  old,
  oldPassword,
  open,
  shopLine,
  soon,
  versions,
} from "./harness.ts"

const trial = { trial: true } as const
const foreign = "Set-by-hand-at-night.1"

/** What outlives the server, what it holds now, and how often it was asked to write. */
async function picture(server: RedisServer, file: string): Promise<unknown> {
  const stats = String(await server.command("INFO", "commandstats"))
  return [
    readFileSync(join(server.folder, file), "utf8"),
    await server.command("ACL", "LIST"),
    stats
      .split("\r\n")
      .filter((line) => /^cmdstat_(acl\|save|acl\|setuser|config\|rewrite|config\|set)/.test(line)),
  ]
}

describe("preflight() as a trial", () => {
  test.each(["aclfile", "config"] as const)(
    "writes nothing where users are kept in the %s, whatever was changed at runtime alone",
    async (users) => {
      await using server = await startRedis({ users, acl: [shopLine] })
      await server.command("ACL", "SETUSER", "visitor", "on", "nopass", "+@all", "~*")
      const file = users === "aclfile" ? "users.acl" : "redis.conf"
      const before = await picture(server, file)
      const found = await open(server).preflight(versions(old), soon(), trial)
      expect(await picture(server, file)).toEqual(before)
      expect(found.filter(({ severity }) => severity === "error")).toEqual([])
      expect(found).toContainEqual({
        code: users === "aclfile" ? "redis-saves-all" : "redis-config-rewrite",
        severity: "info",
        message: expect.stringContaining("becomes permanent too"),
        remedy: expect.any(String),
      })
      await server.restart()
      expect(JSON.stringify(await server.command("ACL", "LIST"))).not.toContain("visitor")
    },
  )

  test("finds without a try that nothing outlives a restart", async () => {
    await using server = await startRedis({ users: "lost", requirepass: oldPassword })
    const driver = open(server, { user: "default", admin: undefined })
    const found = await driver.preflight(
      versions(credential("v1", oldPassword, undefined, "default")),
      soon(),
      trial,
    )
    expect(found).toMatchObject([{ code: "redis-not-persistent", severity: "error" }])
  })

  test("finds without a try, and without more rights, that the admin may not save", async () => {
    const rights = [
      "+acl|getuser",
      "+acl|setuser",
      "+client|id",
      "+client|kill",
      "+client|list",
      "+client|setname",
      "+info",
      "+time",
    ]
    await using server = await startRedis({
      acl: [
        shopLine,
        `few on >few -@all ${rights.join(" ")}`,
        `all-but on >all-but +@all -acl|save`,
        `enough on >enough -@all ${rights.join(" ")} +@admin`,
      ],
    })
    const as = (user: string): Promise<unknown> =>
      open(server, { admin: { user, password: { env: "ADMIN" } } }, user).preflight(
        versions(old),
        soon(),
        trial,
      )
    expect(await as("few")).toContainEqual({
      code: "not-permitted",
      severity: "error",
      message: "few may not do what a rotation needs: +acl|save",
      remedy: "ACL SETUSER few +acl|save",
    })
    expect(await as("all-but")).toContainEqual(
      expect.objectContaining({ code: "not-permitted", remedy: "ACL SETUSER all-but +acl|save" }),
    )
    expect(await as("enough")).not.toContainEqual(expect.objectContaining({ severity: "error" }))
  })
})

describe("a user that does not hold our password", () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ acl: [`shop on >${foreign} ~* &* +@all -@admin`] })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test("has drifted: it is not told that its only password is one too many", async () => {
    for (const how of [trial, undefined]) {
      const found = await open(server).preflight(versions(old), soon(), how)
      expect(found.filter(({ severity }) => severity === "error")).toEqual([
        {
          code: "current-refused",
          severity: "error",
          message: "user shop does not hold the current value",
          remedy: expect.stringContaining("mycelium reconcile production"),
          yields: true,
        },
      ])
      expect(JSON.stringify(found)).not.toContain("'!")
    }
    // After a failover that lost the change the version before is there.
    const previous = credential("v1", foreign)
    expect(
      await open(server).preflight({ ...versions(credential("v2", "another")), previous }, soon()),
    ).toContainEqual(expect.objectContaining({ code: "current-refused" }))
  })

  test("is not told that its present password may go", async () => {
    await expect(
      open(server).revoke(credential("v0", foreign), old, { endSessions: false }, soon()),
    ).rejects.toMatchObject({
      code: "live-missing",
      hint: expect.stringContaining("mycelium reconcile production"),
    })
    expect(await hashesAt(server)).toEqual(hashesOf(credential("v1", foreign)))
  })
})

describe("what is advised, done to the word", () => {
  test("a password besides ours goes by the hash that is not ours, and ours still logs in", async () => {
    await using server = await startRedis({
      acl: [`shop on >${oldPassword} >${foreign} ~* &* +@all -@admin`],
    })
    const [found] = (await open(server).preflight(versions(old), soon())).filter(
      ({ code }) => code === "unknown-password",
    )
    expect(found?.remedy).toContain("sha256sum")
    expect(found?.remedy).toContain("mycelium rotate-now production/redis --contain")
    const ours = hashesOf(old)[0] ?? ""
    for (const hash of await hashesAt(server))
      if (hash !== ours) await server.command("ACL", "SETUSER", "shop", `!${hash}`)
    expect(await open(server).probe(old, soon())).toBe("accepted")
  })

  test("an admin that programs log in as keeps its rights: one of its own is advised, and is enough", async () => {
    const password = "The-admin-of-all.123"
    await using server = await startRedis({ acl: [shopLine], requirepass: password })
    const found = await open(server, { admin: { password: { env: "ADMIN" } } }, password).preflight(
      versions(old),
      soon(),
    )
    const [advice] = found.filter(({ code }) => code === "admin-too-powerful")
    expect(advice?.remedy).not.toContain("SETUSER default")
    const [, name = "", rules = ""] =
      /ACL SETUSER (\S+) on '>PASSWORD' (.+?);/.exec(advice?.remedy ?? "") ?? []
    expect(name).toBe("mycelium")
    await server.command("ACL", "SETUSER", name, "on", ">Made-for-this.1", ...rules.split(" "))
    expect(
      await open(
        server,
        { admin: { user: name, password: { env: "ADMIN" } } },
        "Made-for-this.1",
      ).preflight(versions(old), soon()),
    ).toEqual([])
    expect(await server.commandAs({ user: "default", password }, "PING")).toBe("PONG")
    // A name that is taken is never advised: ACL SETUSER would change whose it is.
    const again = await open(server, { admin: { password: { env: "ADMIN" } } }, password).preflight(
      versions(old),
      soon(),
    )
    expect(again.find(({ code }) => code === "admin-too-powerful")?.remedy).toContain(
      "ACL SETUSER mycelium-admin on",
    )
  })
})
