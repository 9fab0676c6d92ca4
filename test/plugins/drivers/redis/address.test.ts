import { describe, expect, test } from "bun:test"
import { AppError } from "../../../../src/base/error.ts"
import { isLocal, sayAddress } from "../../../../src/plugins/drivers/server/address.ts"
import { parseAddress } from "../../../../src/plugins/drivers/redis/address.ts"

describe("parseAddress()", () => {
  test.each([
    ["redis://cache.internal", { host: "cache.internal", port: 6379, tls: false }],
    ["redis://CACHE:7000", { host: "cache", port: 7000, tls: false }],
    ["rediss://cache:7000/", { host: "cache", port: 7000, tls: true }],
    ["redis://cache:7000/3", { host: "cache", port: 7000, tls: false }],
    ["redis://[::1]:7000", { host: "::1", port: 7000, tls: false }],
    ["redis:///run/redis/redis.sock", { socket: "/run/redis/redis.sock" }],
    ["unix:/run/redis.sock", { socket: "/run/redis.sock" }],
    ["unix:///run/a%20b.sock", { socket: "/run/a b.sock" }],
  ] as const)("reads %s", (written, address) => {
    expect(parseAddress(written)).toEqual(address)
  })

  test.each([
    "",
    "cache:6379",
    "http://cache",
    "redis:cache",
    "redis://",
    "redis:///",
    "redis:///0",
    "rediss:///run/x.sock",
    "unix://host/x.sock",
    "unix:run.sock",
    "redis://a,b:1",
    "redis://cache:0",
    "redis://cache:99999",
    "redis://cache/name",
    "redis://cache?db=1",
    "redis://cache#x",
    "redis://cache/%zz",
    "redis://user@cache",
    `unix:/${"x".repeat(107)}`,
    "unix:/run/%0a.sock",
    "redis://ca che",
    "redis:///run/",
  ])("refuses %j, and does not repeat it", (written) => {
    const error = errorOf(written)
    expect(error.code).toBe("address-invalid")
    if (written.length > 8) expect(error.message).not.toContain(written)
  })

  test.each([
    "redis://:Pass-word@cache",
    "redis://shop:Pass-word@cache:6379",
    "unix:/run/x.sock?password=Pass-word",
  ])("refuses a password in %s, and does not repeat it", (written) => {
    const error = errorOf(written)
    expect(error.code).toBe("password-as-text")
    expect(`${error.message}${error.hint}`).not.toContain("Pass-word")
  })
})

test("sayAddress() names the server, whatever the database", () => {
  expect(
    ["redis://Cache/1", "rediss://[::1]", "unix:/run/x.sock"].map((one) =>
      sayAddress(parseAddress(one)),
    ),
  ).toEqual(["cache:6379", "[::1]:6379", "/run/x.sock"])
})

test("isLocal() is true of what no other machine can listen to", () => {
  const local = (text: string): boolean => isLocal(parseAddress(text))
  expect(
    ["redis://localhost", "redis://127.8.9.1", "redis://[::1]", "unix:/x.sock"].map(local),
  ).toEqual([true, true, true, true])
  expect(
    ["redis://cache", "redis://127.0.0.1.evil.example", "redis://0.0.0.0", "redis://10.0.0.1"].map(
      local,
    ),
  ).toEqual([false, false, false, false])
})

function errorOf(text: string): AppError {
  try {
    parseAddress(text)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error(`${text} was taken`)
}
