import { describe, expect, test } from "bun:test"
import { AppError } from "../../../../src/base/error.ts"
import { parseAddress, parseAmqp } from "../../../../src/plugins/drivers/rabbitmq/address.ts"
import { rabbitmq } from "../../../../src/plugins/drivers/rabbitmq/index.ts"
import { amqpOf } from "../../../../src/plugins/drivers/rabbitmq/options.ts"

const admin = { user: "rotator", password: { env: "ROTATOR" } }
const least = { address: "https://queue.internal:15672", user: "shop", admin }

function problems(written: Record<string, unknown>): readonly string[] {
  const parsed = rabbitmq.options.safeParse({ ...least, ...written })
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)
}

describe("addresses", () => {
  test.each([
    ["https://queue.internal", { host: "queue.internal", port: 15_672, tls: true }],
    ["https://queue.internal:443/", { host: "queue.internal", port: 443, tls: true }],
    ["http://queue.internal:80", { host: "queue.internal", port: 80, tls: false }],
    ["HTTP://Queue:15673", { host: "queue", port: 15_673, tls: false }],
    ["http://[::1]:15672", { host: "::1", port: 15_672, tls: false }],
  ] as const)("of the management API: %s", (written, address) => {
    expect(parseAddress(written)).toEqual(address)
  })

  test.each([
    ["amqp://queue", { host: "queue", port: 5672, tls: false }],
    ["amqps://queue", { host: "queue", port: 5671, tls: true }],
    ["amqps://queue:5000/", { host: "queue", port: 5000, tls: true }],
  ] as const)("of programs: %s", (written, address) => {
    expect(parseAmqp(written)).toEqual(address)
  })

  test("programs log in beside the API, in the same way, if nothing else is said", () => {
    expect(amqpOf({ address: "https://queue:1" })).toEqual({ host: "queue", port: 5671, tls: true })
    expect(amqpOf({ address: "http://queue:1" })).toEqual({ host: "queue", port: 5672, tls: false })
  })

  test.each([
    "",
    "queue:15672",
    "amqp://queue:15672",
    "https://",
    "https://queue:0",
    "https://queue/api",
    "https://queue?x=1",
    "https://queue#x",
    "https://user@queue",
    "https://a b",
  ])("refuses %j, and does not repeat it", (written) => {
    const error = errorOf(() => parseAddress(written))
    expect(error.code).toBe("address-invalid")
    if (written.length > 10) expect(error.message).not.toContain(written)
  })

  test("refuses a password, as people write it into an address of programs", () => {
    for (const act of [
      () => parseAmqp("amqps://shop:Pass-word@queue/shop"),
      () => parseAddress("https://admin:Pass-word@queue"),
    ]) {
      const error = errorOf(act)
      expect(error.code).toBe("password-as-text")
      expect(`${error.message}${error.hint}`).not.toContain("Pass-word")
    }
  })
})

describe("options", () => {
  test("the least, and all", () => {
    expect(problems({})).toEqual([])
    expect(
      problems({ amqp: "amqps://queue", vhost: "/", tls: { ca: "ca.pem" }, length: 64 }),
    ).toEqual([])
  })

  test.each([
    [{ address: "http://queue.internal" }, "address: off this machine passwords need verified TLS"],
    [{ amqp: "amqp://queue.internal" }, "amqp: off this machine passwords need verified TLS"],
    [
      { address: "http://127.0.0.1", tls: { ca: "x" } },
      "tls: tls is for addresses that begin with https:// or amqps://",
    ],
    [{ insecure: true, tls: { ca: "x" } }, "insecure: insecure and tls contradict each other"],
    [{ listener: "rabbitmq" }, "listener: listener is for a server of this machine"],
    [{ user: "rotator" }, "admin: admin and user are the same"],
    [{ user: ".." }, "user: a user's name in RabbitMQ"],
    [{ user: "a\nb" }, "user: a user's name in RabbitMQ"],
    [{ admin: undefined }, "admin: name an admin"],
    [{ admin: { ...admin, user: "a:b" } }, "admin.user: the admin logs in by HTTP"],
    [{ admin: { user: "rotator", password: "as text" } }, "admin.password"],
  ] as const)("refuses %j in one sentence", (written, message) => {
    const found = problems(written)
    expect(found).toHaveLength(1)
    expect(found[0]).toStartWith(message)
  })

  test("where a password goes in clear on this machine, and what is one login", () => {
    const parse = (written: object): Parameters<typeof rabbitmq.logins>[0] =>
      rabbitmq.options.parse({ ...least, ...written })
    expect(rabbitmq.inClear?.(parse({ address: "http://127.0.0.1" }))).toEqual([
      "127.0.0.1:15672",
      "127.0.0.1:5672",
    ])
    expect(rabbitmq.inClear?.(parse({ amqp: "amqp://localhost" }))).toEqual(["localhost:5672"])
    expect(rabbitmq.inClear?.(parse({}))).toEqual([])
    expect(rabbitmq.logins(parse({}))).toEqual(["rabbitmq://queue.internal:15672 user shop"])
  })
})

function errorOf(act: () => unknown): AppError {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error("it was taken")
}
