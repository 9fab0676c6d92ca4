import { describe, expect, test } from "bun:test"
import { z } from "zod"
import { Options } from "../../../../src/plugins/drivers/postgres/options.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"

const good = { address: "postgresql://db.internal/shop", role: "shop" }
const admin = { user: "rotator", password: { file: "/run/secrets/rotator" } }

describe("Options", () => {
  test("takes what the design shows, and the least", () => {
    expect(Options.parse(good)).toEqual(good)
    const full = { ...good, admin: { ...admin, database: "postgres" }, tls: { ca: "ca.pem", name: "db" }, send: "plaintext" as const, length: 40 }
    expect(Options.parse(full)).toEqual(full)
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
  ])("refuses a wrong %s in one sentence that quotes nothing", (path, written) => {
    const issues = Options.safeParse(written).error?.issues ?? []
    expect(issues.map((issue) => issue.path.join("."))).toEqual([path])
    expect(JSON.stringify(issues.map((issue) => issue.message))).not.toContain("hunter2")
  })

  test("plaintext without TLS is for this machine alone", () => {
    expect(Options.safeParse({ ...good, address: "postgresql://127.0.0.1/shop", insecure: true, send: "plaintext" }).success).toBe(true)
  })

  test("can be shown as a JSON Schema, and extended by the config's keys", () => {
    expect(z.toJSONSchema(Options, { io: "input" })).toMatchObject({ type: "object", required: ["address", "role"], additionalProperties: false })
    expect(Options.extend({ driver: z.string() }).safeParse({ ...good, driver: "postgres", role: "rotator", admin }).success).toBe(false)
  })
})

test("login() is the server and the role, whatever the database", () => {
  const one = postgres.login(Options.parse(good))
  expect(one).toBe("postgresql://db.internal:5432 role shop")
  expect(postgres.login(Options.parse({ ...good, address: "postgres://DB.internal:5432/other" }))).toBe(one ?? "")
})
