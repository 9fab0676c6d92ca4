import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { makeValue } from "../../../../src/base/text/value-shape.ts"
import { drivers } from "../../../../src/plugins/drivers/index.ts"

/** What each driver needs besides. */
const least: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  exec: { command: ["/bin/true"] },
  generated: {},
  mariadb: {
    address: "mariadb://127.0.0.1:3306",
    user: "shop",
    admin: { user: "rotator", password: { env: "ROTATOR" } },
  },
  postgres: { address: "postgresql://127.0.0.1:5432/shop", role: "shop" },
  rabbitmq: {
    address: "http://127.0.0.1:15672",
    user: "shop",
    admin: { user: "rotator", password: { env: "ROTATOR" } },
  },
  redis: { address: "redis://127.0.0.1:6379" },
}

describe.each(drivers.map((driver) => [driver.type, driver] as const))("%s", (type, driver) => {
  const parse = (
    options: Readonly<Record<string, unknown>>,
  ): ReturnType<typeof driver.options.safeParse> =>
    driver.options.safeParse({ ...least[type], ...options })
  const problems = (options: Readonly<Record<string, unknown>>): string =>
    parse(options)
      .error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)
      .join("; ") ?? ""

  test("by itself it makes passwords of 32 characters", () => {
    expect(problems({})).toBe("")
    expect(shapeOf({})).toMatchObject({ length: 32 })
  })

  function shapeOf(options: Readonly<Record<string, unknown>>): unknown {
    const { shape } = driver as { readonly shape?: (options: unknown) => unknown }
    return shape?.(parse(options).data)
  }

  test.each([
    [{ length: 35 }, { length: 35 }],
    [{ bits: 209.6 }, { length: 35 }],
    [
      { bits: 256, format: "hex" },
      { format: "hex", length: 64 },
    ],
    [{ format: "hex" }, { format: "hex", length: 64 }],
    [{ format: "base64url" }, { format: "base64url", length: 43 }],
    [
      { format: "uuid", weak: true },
      { format: "uuid", length: 36 },
    ],
    [
      { alphabet: "abcdefghijABCDEFGHIJ0123456789", prefix: "sk_live_" },
      { alphabet: "abcdefghijABCDEFGHIJ0123456789", prefix: "sk_live_", length: 32 },
    ],
    [
      { alphabet: "0123456789", length: 24, weak: true },
      { alphabet: "0123456789", length: 24 },
    ],
  ] as const)("takes %j", (options, shape) => {
    expect(problems(options)).toBe("")
    expect(shapeOf(options)).toMatchObject(shape)
    expect(makeValue(shape, (count) => new Uint8Array(randomBytes(count)))).toHaveLength(
      ("prefix" in shape ? shape.prefix.length : 0) + shape.length,
    )
  })

  test.each([
    [
      { length: 24, alphabet: "0123456789" },
      "length: these values have 79.7 bits, fewer than 128: give it 39 characters, or say weak: true",
    ],
    [{ bits: 64 }, "bits: fewer than 128 bits can be guessed"],
    [
      { format: "uuid" },
      "format: these values have 122.0 bits, fewer than 128: say format: hex, or say weak: true",
    ],
    [{ format: "uuid", length: 36 }, "length: a UUID has 36 characters"],
    [{ format: "hex", length: 33 }, "length: bytes are two hex digits each"],
    [{ format: "base64url", length: 45 }, "length: base64url never has this many characters"],
    [{ format: "hex", alphabet: "0123456789" }, "alphabet: an alphabet is for passwords"],
    [{ length: 32, bits: 256 }, "bits: length and bits contradict each other"],
    [{ bits: 4096, alphabet: "0123456789" }, "bits: no value of up to"],
    [{ format: "base58" }, "format: say password, hex, base64url or uuid"],
    [{ alphabet: "abc" }, "alphabet: 10 characters at least"],
    [{ alphabet: "abcdefghijka" }, "alphabet: each character stands once"],
    [{ alphabet: "abcdefghij$" }, "alphabet: letters, digits and"],
    [{ prefix: "a b" }, "prefix: letters, digits"],
    [{ prefix: "-x" }, "prefix: letters, digits"],
    [{ length: 9 }, "characters at least"],
    [{ length: 2000 }, "characters at most"],
  ] as const)("refuses %j", (options, message) => {
    expect(problems(options)).toContain(message)
    expect(problems(options).split("; ")).toHaveLength(1)
  })
})
