import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { errorOf } from "../../../support/error-of.ts"
import { type RabbitmqServer, startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { peer } from "../mariadb/harness.ts"
import { account, codes, credential, drafted, open, passwordIn, soon, versions } from "./harness.ts"

let server: RabbitmqServer
beforeAll(async () => {
  server = await startRabbitmq()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

describe("probe() says refused of nothing but a password that the user does not hold", () => {
  test.each(["", "management", "administrator", "team-a"])("with the tags %j", async (tags) => {
    const shop = await account(server, tags)
    const wrong = credential("v0", shop.user, "wrong")
    expect(await shop.open().probe(shop.old, soon())).toBe("accepted")
    expect(await shop.open().probe(wrong, soon())).toBe("refused")
  })

  test("a user that is gone is unknown; one without a password refuses all", async () => {
    const shop = await account(server)
    await shop.open().deleteLogin?.([shop.old], soon())
    expect(await shop.open().probe(shop.old, soon())).toBe("refused")
    expect(await shop.open().probe(credential("v0", shop.user, ""), soon())).toBe("refused")
    await server.ask("DELETE", `users/${shop.user}`)
    expect(await shop.open().probe(shop.old, soon())).toBe("unknown")
  })

  test("the password counts, whatever the virtual host and the user's limits say", async () => {
    const shop = await account(server)
    await server.ask("PUT", `user-limits/${shop.user}/max-connections`, { value: 0 })
    for (const vhost of ["/", "no-such-vhost"])
      expect(await shop.open({ vhost }).probe(shop.old, soon())).toBe("accepted")
  })

  test("an answer that is no AMQP is unknown, and heard", async () => {
    const shop = await account(server)
    const heard: string[] = []
    const driver = shop.open({ amqp: `amqp://127.0.0.1:${server.port}` })
    expect(await driver.probe(shop.old, soon(), ({ code }) => heard.push(code))).toBe("unknown")
    // The API takes it for a question that is not complete yet, and hangs up.
    expect(heard).toEqual(["unreachable"])
  })

  test("a refusal is believed only where the admin sees it", async () => {
    const shop = await account(server)
    const wrong = credential("v0", shop.user, "wrong")
    const blind = open(server, { user: shop.user }, "not-the-admins-password")
    expect(await errorOf(blind.probe(wrong, soon()))).toMatchObject({ code: "password-refused" })
    expect(await blind.probe(shop.old, soon())).toBe("accepted")
  })
})

describe("what is not our RabbitMQ", () => {
  /** Connection.Start, with these mechanisms. */
  const start = (mechanisms: string): Buffer => {
    const text = (bytes: string): Buffer => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return Buffer.concat([length, Buffer.from(bytes)])
    }
    const body = Buffer.concat([
      Buffer.from([0, 10, 0, 10, 0, 9]),
      text(""),
      text(mechanisms),
      text("en_US"),
    ])
    const size = Buffer.alloc(4)
    size.writeUInt32BE(body.length)
    return Buffer.concat([Buffer.from([1, 0, 0]), size, body, Buffer.from([0xce])])
  }
  const close = (code: number): Buffer => {
    const body = Buffer.from([0, 10, 0, 50, code >> 8, code & 0xff, 0, 0, 0, 0, 0])
    return Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, body.length]), body, Buffer.from([0xce])])
  }

  test("a server that offers no PLAIN is sent no password", async () => {
    await using fake = await peer((socket) => void socket.write(start("EXTERNAL SCRAM")))
    const driver = open(server, { user: "shop", amqp: `amqp://127.0.0.1:${fake.port}` })
    const candidate = credential("v1", "shop", "some-password-of-ours")
    const heard: string[] = []
    expect(await driver.probe(candidate, soon(), ({ code }) => heard.push(code))).toBe("unknown")
    expect(heard).toEqual(["authentication-unsupported"])
    expect(fake.received()).not.toContain(passwordIn(candidate))
  })

  test("one that refuses a password which the admin sees at the user decides nothing", async () => {
    await using fake = await peer((socket) => {
      socket.write(start("PLAIN"))
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes("PLAIN")) socket.write(close(403))
      })
    })
    const shop = await account(server)
    const driver = shop.open({ amqp: `amqp://127.0.0.1:${fake.port}` })
    expect(await driver.probe(shop.old, soon())).toBe("unknown")
    expect(await driver.probe(credential("v0", shop.user, "wrong"), soon())).toBe("refused")
  })

  test.each([
    ["is full", 530],
    ["fails", 541],
    ["is being stopped", 320],
  ])("one that %s refuses no password", async (_, code) => {
    await using fake = await peer((socket) => {
      socket.write(start("PLAIN"))
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes("PLAIN")) socket.write(close(code))
      })
    })
    const shop = await account(server)
    const driver = shop.open({ amqp: `amqp://127.0.0.1:${fake.port}` })
    expect(await driver.probe(credential("v0", shop.user, "wrong"), soon())).toBe("unknown")
  })

  test.each([
    ["another version of AMQP", "AMQP\0\x01\x00\x00"],
    ["HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["a frame without its end", "\x01\0\0\0\0\0\x04\0\x0a\0\x0a\0"],
    ["a frame that is too long", "\x01\0\0\x7f\0\0\0"],
  ])("%s is not understood, and decides nothing", async (_, says) => {
    await using fake = await peer((socket) => void socket.write(Buffer.from(says, "latin1")))
    const driver = open(server, { user: "shop", amqp: `amqp://127.0.0.1:${fake.port}` })
    const heard: string[] = []
    const candidate = credential("v1", "shop", "some-password-of-ours")
    expect(await driver.probe(candidate, soon(), ({ code }) => heard.push(code))).toBe("unknown")
    expect(heard).toEqual(["answer-malformed"])
    expect(fake.received()).not.toContain(passwordIn(candidate))
  })

  test("what answers HTTP, and is no management API, is found", async () => {
    const answers =
      (status: string, body: string) =>
      (socket: { on(event: "data", act: () => void): unknown; write(text: string): unknown }) =>
        void socket.on("data", () =>
          socket.write(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
        )
    for (const [status, body, code] of [
      ["200 OK", "<html></html>", "answer-malformed"],
      ["200 OK", "{}", "answer-malformed"],
      ["302 Found", "", "server-error"],
      ["401 Unauthorized", '{"reason":"another"}', "server-error"],
      // What RabbitMQ says to a user of loopback_users that comes from elsewhere.
      [
        "401 Unauthorized",
        '{"reason":"User can only log in via localhost"}',
        "rabbitmq-loopback-only",
      ],
      ["403 Forbidden", "{}", "not-permitted"],
    ] as const) {
      await using fake = await peer(answers(status, body))
      const driver = open(server, { user: "shop", address: `http://127.0.0.1:${fake.port}` })
      expect(await codes(driver, versions())).toEqual([`error ${code}`])
    }
    await using busy = await peer(answers("503 Service Unavailable", ""))
    const driver = open(server, { user: "shop", address: `http://127.0.0.1:${busy.port}` })
    expect(await errorOf(driver.preflight(versions(), soon()))).toMatchObject({
      code: "server-not-ready",
      remedy: "retry",
    })
    await expect(driver.apply(drafted(driver, "v2"), versions(), soon())).rejects.toMatchObject({
      code: "server-not-ready",
    })
  })
})
