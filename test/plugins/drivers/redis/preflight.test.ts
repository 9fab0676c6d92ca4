import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmod } from "node:fs/promises"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import {
  codes,
  credential,
  drafted,
  hashesAt,
  hashesOf,
  old,
  oldPassword,
  open,
  peer,
  shopLine,
  soon,
  versions,
} from "./harness.ts"

const asUser = (user: string): Record<string, unknown> => ({
  admin: { user, password: { env: "ADMIN" } },
})

describe("preflight()", () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({
      acl: [
        shopLine,
        "off-user off >x ~* +@all",
        "anyone on nopass +@all",
        `twice on >${oldPassword} >another >third ~* +@all`,
        "bare on +@all",
        "weak on >weak -@all",
        "half on >half -@all +acl|getuser +info +client|list",
        "lean on >lean -@all",
      ],
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test("finds nothing but that the admin is too powerful where all is well; the rules that it names are enough", async () => {
    const findings = await open(server).preflight(versions(old), soon())
    expect(findings).toMatchObject([
      {
        code: "admin-too-powerful",
        severity: "warning",
        message: expect.stringContaining("admin admin"),
      },
    ])
    const rules = (findings[0]?.remedy ?? "")
      .replace("if nothing else logs in as admin: ACL SETUSER admin ", "")
      .split(" ")
    await server.command("ACL", "SETUSER", "lean", ...rules)
    const lean = open(server, asUser("lean"), "lean")
    expect(await codes(lean)).toEqual([])
    const next = drafted(lean, "v2")
    const { acceptedAt } = await lean.apply(next, versions(old, next), soon())
    expect(await lean.settle([next, old], soon())).toBe(true)
    expect(await lean.probe(credential("v9", "wrong"), soon())).toBe("refused")
    await lean.revoke(next, { ...old, acceptedAt: acceptedAt ?? "" }, { endSessions: true }, soon())
    expect(await hashesAt(server)).toEqual(hashesOf(old))
  })

  test.each([
    ["missing", "account-missing", "ACL SETUSER missing on"],
    ["off-user", "account-locked", "ACL SETUSER off-user on"],
    ["anyone", "password-not-asked", "ACL SETUSER anyone resetpass '>PASSWORD'"],
  ])("user %s: %s, and what corrects it", async (user, code, remedy) => {
    const findings = await open(server, { user }).preflight(versions(), soon())
    expect(findings).toContainEqual({
      code,
      severity: "error",
      message: expect.stringContaining(user),
      remedy: expect.stringContaining(remedy),
      ...(user === "missing" ? {} : { yields: true, silences: true }),
    })
  })

  test("passwords that Mycelium did not set are counted, and no hash is shown", async () => {
    const current = credential("v1", oldPassword, undefined, "twice")
    const found = await open(server, { user: "twice" }).preflight(versions(current), soon())
    expect(found).toContainEqual({
      code: "unknown-password",
      severity: "error",
      message: expect.stringContaining("2 passwords besides ours"),
      remedy: expect.stringContaining("ACL GETUSER twice"),
      yields: true,
    })
    expect(JSON.stringify(found)).not.toMatch(/[0-9a-f]{40}/)
    const uncertain = [credential("v8", "another"), credential("v9", "third")]
    expect(await codes(open(server, { user: "twice" }), { current, uncertain })).toEqual([
      "warning admin-too-powerful",
    ])
  })

  test("what the admin may not do is named, as the rules that let it", async () => {
    const findings = await open(server, asUser("weak"), "weak").preflight(versions(old), soon())
    expect(findings).toMatchObject([{ code: "not-permitted", severity: "error" }])
    const rules = (findings[0]?.remedy ?? "").replace("ACL SETUSER weak ", "").split(" ")
    await server.command("ACL", "SETUSER", "weak", ...rules)
    // Only who may read the user can be asked whether it may change it.
    expect(
      (await open(server, asUser("weak"), "weak").preflight(versions(old), soon()))[0]?.remedy,
    ).toBe("ACL SETUSER weak +acl|setuser +acl|save")
    await server.command("ACL", "SETUSER", "weak", "+acl|setuser", "+acl|save")
    expect(await codes(open(server, asUser("weak"), "weak"))).toEqual([])
    const half = await open(server, asUser("half"), "half").preflight(versions(old), soon())
    expect(half).toMatchObject([
      {
        remedy:
          "ACL SETUSER half +time +client|setname +client|id +client|kill +acl|setuser +acl|save",
      },
    ])
  })

  test("without an admin the user is its own, needs a password that works, and is advised not to be", async () => {
    const driver = open(server, { admin: undefined })
    expect(await driver.preflight(versions(old), soon())).toMatchObject([
      { code: "not-permitted", remedy: expect.stringContaining("name an admin; or") },
    ])
    expect(await codes(driver, versions(credential("v1", "wrong")))).toEqual([
      "error password-refused",
    ])
    expect(await codes(driver, versions())).toEqual(["error login-missing"])
    expect(await codes(driver, versions(credential("v1", "x", undefined, "other")))).toEqual([
      "error user-differs",
    ])
  })

  test("a wrong admin password is a finding; no answer is an error", async () => {
    expect(await codes(open(server, {}, "wrong"))).toEqual(["error password-refused"])
    const gone = await peer(() => undefined)
    await gone[Symbol.asyncDispose]()
    await expect(
      open(server, { address: `redis://127.0.0.1:${gone.port}` }).preflight(versions(old), soon()),
    ).rejects.toMatchObject({ code: "unreachable", remedy: "retry" })
  })

  test("changes nothing", async () => {
    const before = await server.command("ACL", "LIST")
    for (const user of ["shop", "missing", "bare", "off-user", "anyone"])
      await codes(open(server, { user }))
    expect(await server.command("ACL", "LIST")).toEqual(before)
  })

  test("stored() refuses a user that holds a password; one that holds none has nothing to put back", async () => {
    const stored = (user: string): Promise<unknown> =>
      open(server, { user }).readInstalled?.(soon()) ?? Promise.resolve("none")
    await expect(stored("shop")).rejects.toMatchObject({
      code: "value-exists",
      message: expect.stringContaining("holds a password"),
    })
    await expect(stored("twice")).rejects.toMatchObject({
      code: "value-exists",
      message: expect.stringContaining("holds 3 passwords"),
    })
    await expect(stored("anyone")).rejects.toMatchObject({ code: "password-not-asked" })
    await expect(stored("missing")).rejects.toMatchObject({ code: "account-missing" })
    expect(await stored("bare")).toBeUndefined()
    expect(open(server, { admin: undefined }).readInstalled).toBeUndefined()
    expect(await codes(open(server, { user: "bare" }), versions())).toEqual([
      "warning admin-too-powerful",
    ])
  })
})

describe("preflight() and what outlives a restart", () => {
  test("redis-server --requirepass X keeps nothing: refused, in the words of the design", async () => {
    await using server = await startRedis({ users: "lost", requirepass: oldPassword })
    const driver = open(server, { user: "default", admin: undefined })
    const findings = await driver.preflight(
      versions(credential("v1", oldPassword, undefined, "default")),
      soon(),
    )
    const message =
      "a new password would not survive a restart of the server: " +
      "it runs without a config file and without an ACL file"
    expect(findings).toEqual([
      {
        code: "redis-not-persistent",
        severity: "error",
        message,
        remedy: expect.stringContaining("--aclfile"),
      },
    ])
  })

  test("an ACL file or a config file that cannot be written is found", async () => {
    for (const users of ["aclfile", "config"] as const) {
      await using server = await startRedis({ users, acl: [shopLine] })
      await chmod(server.folder, 0o500)
      if (users === "config") await chmod(`${server.folder}/redis.conf`, 0o400)
      expect(await codes(open(server))).toContain("error redis-save-failed")
      await chmod(server.folder, 0o700)
    }
  })

  test("with an ACL file, CONFIG REWRITE is never asked: it would leave the users out", async () => {
    await using server = await startRedis({ acl: [shopLine] })
    await open(server).preflight(versions(old), soon())
    expect(JSON.stringify(await server.command("INFO", "commandstats"))).not.toContain(
      "config|rewrite",
    )
  })

  test("ACL hidden by the server is said", async () => {
    await using server = await startRedis({
      users: "config",
      acl: [shopLine],
      config: { "rename-command": "ACL hidden" },
    })
    expect(await open(server).preflight(versions(old), soon())).toMatchObject([
      {
        code: "redis-command-missing",
        severity: "error",
        message: expect.stringContaining("ACL GETUSER"),
      },
    ])
  })
})
