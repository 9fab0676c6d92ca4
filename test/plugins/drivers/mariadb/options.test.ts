import { describe, expect, test } from "bun:test"
import { mariadb } from "../../../../src/plugins/drivers/mariadb/index.ts"
import { MariadbOptions } from "../../../../src/plugins/drivers/mariadb/options.ts"

const admin = { user: "rotator", password: { env: "ROTATOR" } }
const least = { address: "mariadb://127.0.0.1", user: "shop", admin }

function problems(written: Record<string, unknown>): readonly string[] {
  const parsed = MariadbOptions.safeParse(written)
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)
}

describe("Options", () => {
  test("the account is the user's at any host, unless it says otherwise", () => {
    expect(MariadbOptions.parse(least)).toEqual({ ...least, host: "%" })
    expect(
      problems({
        ...least,
        address: "mariadb://db.internal:3307",
        host: "10.0.0.0/255.255.255.0",
        tls: { ca: "ca.pem" },
        length: 64,
      }),
    ).toEqual([])
    expect(
      problems({ ...least, address: "mariadb:///run/mysqld/mysqld.sock", host: "localhost" }),
    ).toEqual([])
  })

  test.each([
    ["no admin", { address: "mariadb://127.0.0.1", user: "shop" }, "admin: name an admin"],
    [
      "the user as its own admin",
      { ...least, user: "rotator" },
      "admin: admin and user are the same",
    ],
    [
      "insecure with tls",
      { ...least, insecure: true, tls: { ca: "x" } },
      "insecure: insecure and tls contradict each other",
    ],
    [
      "tls for a socket",
      { ...least, address: "mariadb:///x.sock", tls: { ca: "x" } },
      "tls: a socket of this machine has no TLS",
    ],
    [
      "a certificate without its key",
      { ...least, tls: { certificate: "x" } },
      "tls: certificate and key go together",
    ],
    ["a user that would end its quotes", { ...least, user: "a'b" }, "user: a user's name has"],
    ["a user with a backslash", { ...least, user: "a\\" }, "user: a user's name has"],
    ["a host that would end its quotes", { ...least, host: "%' or '" }, "host: the host part"],
    [
      "a password as text",
      { ...least, admin: { user: "x", password: "Pass-word" } },
      "admin.password: a credential comes by reference",
    ],
    [
      "a password in an address",
      { ...least, address: "mariadb://x:Pass-word@127.0.0.1" },
      "address: the address holds a password",
    ],
    ["a key that is unknown", { ...least, password: "Pass-word" }, ""],
    ["a short length", { ...least, length: 8 }, "length: 24 characters at least"],
  ])("refuses %s in one sentence", (_, written, expected) => {
    const found = problems(written)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
    expect(found.join()).not.toContain("Pass-word")
  })
})

test("logins() is the server and the account", () => {
  const login = (more: object): string | undefined =>
    mariadb.logins(MariadbOptions.parse({ ...least, ...more }))[0]
  expect(login({ address: "mariadb://DB", host: "LocalHost" })).toBe(
    login({ address: "mariadb://db:3306/", host: "localhost" }),
  )
  expect(login({ host: "localhost" })).not.toBe(login({}))
  expect(login({ user: "Shop" })).not.toBe(login({}))
})
