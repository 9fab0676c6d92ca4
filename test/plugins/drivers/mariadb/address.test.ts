import { describe, expect, test } from "bun:test"
import { AppError } from "../../../../src/base/error.ts"
import { isLocal, sayAddress } from "../../../../src/plugins/drivers/server/address.ts"
import { parseAddress } from "../../../../src/plugins/drivers/mariadb/address.ts"

describe("parseAddress()", () => {
  test.each([
    ["mariadb://db.internal", { host: "db.internal", port: 3306 }],
    ["mariadb://DB:3307/", { host: "db", port: 3307 }],
    ["mariadb://[::1]:3307", { host: "::1", port: 3307 }],
    ["mariadb:///run/mysqld/mysqld.sock", { socket: "/run/mysqld/mysqld.sock" }],
    ["mariadb:///run/a%20b.sock", { socket: "/run/a b.sock" }],
  ] as const)("reads %s", (written, address) => {
    expect(parseAddress(written)).toEqual(address)
  })

  test.each([
    "",
    "db:3306",
    "mysql://db:3306",
    "mariadb:db",
    "mariadb://",
    "mariadb:///",
    "mariadb:///run/",
    "mariadb://a,b:1",
    "mariadb://db:0",
    "mariadb://db:99999",
    "mariadb://db/shop",
    "mariadb://db?tls=1",
    "mariadb://db#x",
    "mariadb://db/%zz",
    "mariadb://user@db",
    `mariadb:///${"x".repeat(107)}`,
    "mariadb:///run/%0a.sock",
    "mariadb://d b",
  ])("refuses %j, and does not repeat it", (written) => {
    const error = errorOf(written)
    expect(error.code).toBe("address-invalid")
    if (written.length > 10) expect(error.message).not.toContain(written)
  })

  test.each([
    "mariadb://shop:Pass-word@db:3306/shop",
    "mariadb://:Pass-word@db",
    "mariadb://db?password=Pass-word",
  ])("refuses a password in %s, and does not repeat it", (written) => {
    const error = errorOf(written)
    expect(error.code).toBe("password-as-text")
    expect(`${error.message}${error.hint}`).not.toContain("Pass-word")
  })
})

test("sayAddress() names the server", () => {
  expect(
    ["mariadb://DB", "mariadb://[::1]", "mariadb:///run/x.sock"].map((one) =>
      sayAddress(parseAddress(one)),
    ),
  ).toEqual(["db:3306", "[::1]:3306", "/run/x.sock"])
})

test("isLocal() is true of what no other machine can listen to", () => {
  const local = (text: string): boolean => isLocal(parseAddress(text))
  expect(
    ["mariadb://localhost", "mariadb://127.8.9.1", "mariadb://[::1]", "mariadb:///x.sock"].map(
      local,
    ),
  ).toEqual([true, true, true, true])
  expect(
    [
      "mariadb://db",
      "mariadb://127.0.0.1.evil.example",
      "mariadb://0.0.0.0",
      "mariadb://10.0.0.1",
    ].map(local),
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
