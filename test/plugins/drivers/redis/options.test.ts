import { describe, expect, test } from "bun:test"
import { redis } from "../../../../src/plugins/drivers/redis/index.ts"
import { RedisOptions } from "../../../../src/plugins/drivers/redis/options.ts"

const admin = { user: "rotator", password: { env: "REDIS_ROTATOR" } }

function problems(written: Record<string, unknown>): readonly string[] {
  const parsed = RedisOptions.safeParse(written)
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)
}

describe("Options", () => {
  test("needs no more than an address: the user is default, and changes itself", () => {
    expect(RedisOptions.parse({ address: "redis://127.0.0.1" })).toEqual({
      address: "redis://127.0.0.1",
      user: "default",
    })
    expect(
      RedisOptions.parse({
        address: "redis://127.0.0.1",
        user: "shop",
        admin: { password: { file: "x" } },
      }).admin,
    ).toEqual({ user: "default", password: { file: "x" } })
  })

  test("takes what the design shows", () => {
    expect(
      problems({
        address: "rediss://cache.internal:6379",
        user: "shop",
        admin,
        tls: { ca: "ca.pem" },
        also: ["rediss://cache-2.internal"],
        length: 64,
      }),
    ).toEqual([])
  })

  test.each([
    [
      "redis:// off this machine",
      { address: "redis://cache.internal" },
      "address: off this machine passwords need verified TLS",
    ],
    [
      "the same in also",
      { address: "redis://127.0.0.1", also: ["redis://cache.internal"] },
      "also.0: off this machine",
    ],
    [
      "tls for no address",
      { address: "redis://127.0.0.1", tls: { ca: "x" } },
      "tls: tls is for addresses that begin with rediss://",
    ],
    [
      "insecure with tls",
      { address: "rediss://cache", insecure: true, tls: { ca: "x" } },
      "insecure: insecure and tls contradict each other",
    ],
    [
      "a certificate without its key",
      { address: "rediss://cache", tls: { certificate: "x" } },
      "tls: certificate and key go together",
    ],
    [
      "an address twice",
      { address: "redis://127.0.0.1", also: ["redis://127.0.0.1:6379/2"] },
      "also.0: this address is named twice",
    ],
    [
      "the user as its own admin",
      { address: "redis://127.0.0.1", user: "rotator", admin },
      "admin: admin and user are the same",
    ],
    [
      "a user with a space",
      { address: "redis://127.0.0.1", user: "a b" },
      "user: a user's name in Redis has neither spaces",
    ],
    [
      "a password as text",
      { address: "redis://127.0.0.1", admin: { user: "x", password: "Pass-word" } },
      "admin.password: a credential comes by reference",
    ],
    [
      "a password in an address",
      { address: "redis://:Pass-word@127.0.0.1" },
      "address: the address holds a password",
    ],
    ["a key that is unknown", { address: "redis://127.0.0.1", password: "Pass-word" }, ""],
    [
      "a short length",
      { address: "redis://127.0.0.1", length: 8 },
      "length: 24 characters at least",
    ],
  ])("refuses %s in one sentence", (_, written, expected) => {
    const found = problems(written)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
    expect(found.join()).not.toContain("Pass-word")
  })

  test("redis:// off this machine is allowed where the config says insecure", () => {
    expect(problems({ address: "redis://cache.internal", insecure: true })).toEqual([])
  })
})

test("login() is the server and the user, whatever the database", () => {
  const login = (address: string, user?: string): string | undefined =>
    redis.logins(RedisOptions.parse({ address, user, insecure: true }))[0]
  expect(login("redis://Cache/1", "shop")).toBe(login("rediss://cache:6379", "shop"))
  expect(login("redis://cache")).not.toBe(login("redis://cache", "shop"))
  expect(
    redis.logins(
      RedisOptions.parse({
        address: "redis://127.0.0.1",
        also: ["unix:/run/x.sock"],
        user: "shop",
      }),
    ),
  ).toEqual(["redis://127.0.0.1:6379 user shop", "redis:///run/x.sock user shop"])
})
