import { describe, expect, test } from "bun:test"
import { z } from "zod"
import { PostgresOptions } from "../../../../src/plugins/drivers/postgres/options.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"

const good = { address: "postgresql://db.internal/shop", role: "shop" }
const admin = { user: "rotator", password: { file: "/run/secrets/rotator" } }
const pair = {
  address: good.address,
  roles: ["shop_blue", "shop_green"] as [string, string],
  owner: "shop_owner",
  admin,
}

describe("Options", () => {
  test("takes what the design shows, and the least", () => {
    expect(PostgresOptions.parse(good)).toEqual(good)
    const full = {
      ...good,
      admin: { ...admin, database: "postgres" },
      tls: { ca: "ca.pem", name: "db" },
      send: "plaintext" as const,
      length: 40,
    }
    expect(PostgresOptions.parse(full)).toEqual(full)
    expect(PostgresOptions.parse(pair)).toEqual(pair)
    const also = {
      ...pair,
      also: ["postgresql://standby.internal", "postgresql://db.internal:5433"],
    }
    expect(PostgresOptions.parse(also)).toEqual(also)
  })

  test.each([
    ["address", { ...good, address: "postgresql://shop:hunter2@db/shop" }],
    ["address", { ...good, address: ["hunter2"] }],
    ["role", { ...good, role: "" }],
    ["role", { ...good, role: "x".repeat(64) }],
    ["role", { ...good, role: "hunter2\0" }],
    ["admin.password", { ...good, admin: { ...admin, password: "hunter2" } }],
    ["admin.password", { ...good, admin: { ...admin, password: { text: "hunter2" } } }],
    ["admin.user", { ...good, admin: { ...admin, user: 5 } }],
    ["admin", { ...good, role: "rotator", admin }],
    ["insecure", { ...good, insecure: true, tls: {} }],
    ["insecure", { ...good, insecure: "hunter2" }],
    ["send", { ...good, insecure: true, send: "plaintext" }],
    ["send", { ...good, send: "hunter2" }],
    ["tls.ca", { ...good, tls: { ca: 5 } }],
    ["length", { ...good, length: 8 }],
    ["length", { ...good, length: "hunter2" }],
    ["role", { address: good.address }],
    ["roles", { ...pair, role: "shop" }],
    ["roles", { ...pair, roles: "hunter2" }],
    ["roles", { ...pair, roles: ["hunter2"] }],
    ["roles", { ...pair, roles: ["shop_blue", "shop_green", "hunter2"] }],
    ["roles.1", { ...pair, roles: ["shop_blue", ""] }],
    ["roles.1", { ...pair, roles: ["hunter2", "hunter2"] }],
    ["owner", { ...pair, owner: undefined }],
    ["owner", { ...pair, owner: "shop_green" }],
    ["owner", { ...good, owner: "hunter2" }],
    ["admin", { ...pair, admin: undefined }],
    ["admin", { ...pair, admin: { ...admin, user: "shop_blue" } }],
    ["admin", { ...pair, admin: { ...admin, user: "shop_owner" } }],
    ["also", { ...good, also: "hunter2" }],
    ["also", { ...good, also: [] }],
    ["also.0", { ...good, also: ["postgresql://shop:hunter2@db"] }],
    ["also.0", { ...good, also: ["postgresql://db.internal/other"] }],
    ["also.1", { ...good, also: ["postgresql://one", "postgresql://ONE:5432/x"] }],
  ])("refuses a wrong %s in one sentence that quotes nothing", (path, written) => {
    const issues = PostgresOptions.safeParse(written).error?.issues ?? []
    expect(issues.map((issue) => issue.path.join("."))).toEqual([path])
    expect(JSON.stringify(issues.map((issue) => issue.message))).not.toContain("hunter2")
  })

  test("plaintext without TLS is for this machine alone", () => {
    expect(
      PostgresOptions.safeParse({
        ...good,
        address: "postgresql://127.0.0.1/shop",
        insecure: true,
        send: "plaintext",
      }).success,
    ).toBe(true)
  })

  test("can be shown as a JSON Schema, and extended by the config's keys", () => {
    const schema = z.toJSONSchema(PostgresOptions, { io: "input" })
    expect([schema.type, schema.required, schema.additionalProperties]).toEqual([
      "object",
      ["address"],
      false,
    ])
    expect(
      PostgresOptions.extend({ driver: z.string() }).safeParse({
        ...good,
        driver: "postgres",
        role: "rotator",
        admin,
      }).success,
    ).toBe(false)
  })
})

test("logins() are the server and each role, whatever the database", () => {
  const one = postgres.logins(PostgresOptions.parse(good))
  expect(one).toEqual(["postgresql://db.internal:5432 role shop"])
  expect(
    postgres.logins(
      PostgresOptions.parse({ ...good, address: "postgres://DB.internal:5432/other" }),
    ),
  ).toEqual([...one])
  expect(postgres.logins(PostgresOptions.parse(pair))).toEqual([
    "postgresql://db.internal:5432 role shop_blue",
    "postgresql://db.internal:5432 role shop_green",
  ])
})

test("overlap() is both for a pair, one for one role", () => {
  expect([
    postgres.overlap(PostgresOptions.parse(good)),
    postgres.overlap(PostgresOptions.parse(pair)),
  ]).toEqual(["one", "both"])
})
