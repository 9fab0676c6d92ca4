import { describe, expect, test } from "bun:test"
import { isLocal, sayAddress } from "../../../../src/plugins/drivers/server/address.ts"
import { parseAddress } from "../../../../src/plugins/drivers/postgres/address.ts"
import { AppError } from "../../../../src/base/error.ts"

describe("parseAddress()", () => {
  test.each([
    ["postgresql://db.internal:5433/shop", { host: "db.internal", port: 5433, database: "shop" }],
    ["postgres://DB.internal", { host: "db.internal", port: 5432 }],
    ["postgresql://127.0.0.1/my%20shop", { host: "127.0.0.1", port: 5432, database: "my shop" }],
    ["postgresql://[::1]:5/shop", { host: "::1", port: 5, database: "shop" }],
    [
      "postgresql:///shop?host=/run/postgresql/",
      { socket: "/run/postgresql/.s.PGSQL.5432", database: "shop" },
    ],
    [
      "postgresql://localhost:5433/shop?host=%2Frun%2Fpostgresql",
      { socket: "/run/postgresql/.s.PGSQL.5433", database: "shop" },
    ],
  ])("reads %s", (text, address) => {
    expect(parseAddress(text)).toEqual(address)
  })

  test.each([
    "postgresql://shop:hunter2@db/shop",
    "postgresql://:hunter2@db/shop",
    "postgresql://db/shop?password=hunter2",
    "postgresql://shop:hunter2@@db/shop?host=/run",
  ])("refuses a password without quoting it: %s", (text) => {
    const error = refusal(text)
    expect(error.code).toBe("password-as-text")
    expect(`${error.message} ${error.hint}`).not.toContain("hunter2")
  })

  test.each([
    "",
    "db",
    "hunter2",
    "mysql://hunter2",
    "postgresql:",
    "postgresql://",
    "postgresql:///shop",
    "postgresql://a,hunter2/shop",
    "postgresql://db:0/shop",
    "postgresql://db:hunter2/shop",
    "postgresql://db:99999/",
    "postgresql://db/shop/hunter2",
    "postgresql://db/shop?sslmode=hunter2",
    "postgresql://db/#hunter2",
    "postgresql://hunter2@db/shop",
    "postgresql:///shop?host=hunter2",
    "postgresql://db/%zzhunter2",
    "postgresql://db/%00hunter2",
    "postgresql://db/a%0ahunter2",
  ])("refuses without quoting: %s", (text) => {
    const error = refusal(text)
    expect(error.code).toBe("address-invalid")
    expect(error.message).not.toContain("hunter2")
  })
})

test("sayAddress() names the server, never the database", () => {
  expect(sayAddress(parseAddress("postgresql://db:1/shop"))).toBe("db:1")
  expect(sayAddress({ host: "::1", port: 1 })).toBe("[::1]:1")
  expect(sayAddress(parseAddress("postgresql:///shop?host=/run"))).toBe("/run/.s.PGSQL.5432")
})

test("isLocal() is true for this machine and unix sockets only", () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
    expect(isLocal({ host, port: 1 })).toBe(true)
  expect(isLocal(parseAddress("postgresql:///shop?host=/run"))).toBe(true)
  for (const host of [
    "db",
    "10.0.0.1",
    "127.example.com",
    "127.0.0.1.example.com",
    "localhost.example.com",
    "::2",
  ])
    expect(isLocal({ host, port: 1 })).toBe(false)
})

function refusal(text: string): AppError {
  try {
    parseAddress(text)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error("it was taken")
}
