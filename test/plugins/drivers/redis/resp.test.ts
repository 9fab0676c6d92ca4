import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { Secret } from "../../../../src/core/secret.ts"
import { type Connection, connect } from "../../../../src/plugins/drivers/redis/connection.ts"
import {
  encodeCommand,
  type Reply,
  ReplyReader,
} from "../../../../src/plugins/drivers/redis/resp.ts"
import { startRedis } from "../../../support/servers/redis.ts"
import { until } from "../../../support/until.ts"
import { peer, program, script, shopLine, oldPassword, soon } from "./harness.ts"

const value = "Value-that-nobody.sees1"
const logIn = (port: number, ms = 5000): Promise<Connection> =>
  connect(
    { address: { host: "127.0.0.1", port } },
    { user: "shop", password: new Secret("p", value) },
    soon(ms),
  )

function read(...chunks: readonly string[]): readonly Reply[] {
  const reader = new ReplyReader()
  const replies: Reply[] = []
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk))
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply)
  }
  return replies
}

describe("ReplyReader", () => {
  test.each([
    ["+OK\r\n", ["OK"]],
    [":-12\r\n", [-12]],
    ["$-1\r\n*-1\r\n", [null, null]],
    ["$0\r\n\r\n$2\r\n\r\n\r\n", ["", "\r\n"]],
    ["*2\r\n$5\r\nflags\r\n*1\r\n+on\r\n", [["flags", ["on"]]]],
    ["-WRONGPASS invalid\r\n-ERR what\r\n", [{ refused: "wrongpass" }, { refused: "other" }]],
  ] as const)("reads %j, in one piece and byte by byte", (bytes, replies) => {
    expect(read(bytes)).toEqual([...replies])
    expect(read(...bytes)).toEqual([...replies])
  })

  test("reads back any strings, cut anywhere", () => {
    const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), fc.nat(), (texts, cut) => {
        const bytes = Buffer.from(`*${texts.length}\r\n${texts.map(bulk).join("")}`)
        const reader = new ReplyReader()
        reader.push(bytes.subarray(0, cut % bytes.length))
        const early = reader.next()
        reader.push(bytes.subarray(cut % bytes.length))
        expect(early ?? reader.next()).toEqual(texts)
      }),
    )
  })

  test("a long reply in many pieces is joined once", () => {
    const reader = new ReplyReader()
    const piece = Buffer.alloc(16 * 1024, "x")
    reader.push(Buffer.from(`$${2000 * piece.length}\r\n`))
    const began = performance.now()
    for (let at = 0; at < 2000; at++) {
      reader.push(piece)
      expect(reader.next()).toBeUndefined()
    }
    reader.push(Buffer.from("\r\n"))
    expect(reader.next()).toHaveLength(2000 * piece.length)
    // Joined at every piece it would copy 32 GB.
    expect(performance.now() - began).toBeLessThan(5000)
  })

  test.each([
    "x\r\n",
    "$x\r\n",
    "$-2\r\n",
    "$3\r\nabcde\r\n",
    `*1\r\n`.repeat(9),
    "$99999999999\r\n",
    `+${"x".repeat(70_000)}`,
    "HTTP/1.1 400 Bad Request\r\n",
  ])("refuses %.40j", (bytes) => {
    expect(() => read(bytes)).toThrow(expect.objectContaining({ code: "answer-malformed" }))
  })

  test("keeps no more than its limit", () => {
    const reader = new ReplyReader()
    const piece = Buffer.alloc(8 * 1024 * 1024)
    reader.push(Buffer.from("$60000000\r\n"))
    expect(() => {
      for (let at = 0; at < 9; at++) reader.push(piece)
    }).toThrow(expect.objectContaining({ code: "answer-too-large" }))
  })
})

test("a list of more elements than anything that we ask for is refused before it is there, inner ones counted", () => {
  for (const bytes of ["*100001\r\n", `*2\r\n*60000\r\n${":1\r\n".repeat(60_000)}*60000\r\n`]) {
    const reader = new ReplyReader()
    reader.push(Buffer.from(bytes))
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: "answer-too-large" }))
  }
})

test("encodeCommand() leaves nothing for an argument to end", () => {
  expect(encodeCommand(["AUTH", "a\r\n*1", "é"]).toString()).toBe(
    "*3\r\n$4\r\nAUTH\r\n$5\r\na\r\n*1\r\n$2\r\né\r\n",
  )
})

describe("connect() tells apart", () => {
  test.each([
    ["-WRONGPASS no\r\n", "password-refused", "ask-operator"],
    ["-ERR wrong number of arguments for 'auth' command\r\n", "server-too-old", "ask-operator"],
    ["-LOADING Redis is loading\r\n", "server-not-ready", "retry"],
    ["-ERR max number of clients reached\r\n", "too-many-connections", "retry"],
    ["-ERR unknown command 'AUTH'\r\n", "redis-command-missing", "ask-operator"],
    [
      "-ERR AUTH <password> called without any password configured\r\n",
      "server-error",
      "ask-operator",
    ],
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "answer-malformed", "ask-operator"],
    ["+OK\r\n+OK\r\n", "answer-malformed", "ask-operator"],
  ] as const)("%j as %s", async (answer, code, remedy) => {
    await using server = await script(answer)
    await expect(logIn(server.port).then(({ command }) => command(["PING"]))).rejects.toMatchObject(
      { code, remedy },
    )
  })

  test("a refusal at the door", async () => {
    await using server = await peer(
      (socket) => void socket.end("-DENIED Redis is running in protected mode\r\n"),
    )
    await expect(logIn(server.port)).rejects.toMatchObject({ code: "redis-protected-mode" })
  })

  test("refused, closed and silent, the last within its deadline", async () => {
    const gone = await peer(() => undefined)
    await gone[Symbol.asyncDispose]()
    await expect(logIn(gone.port)).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("ECONNREFUSED"),
      remedy: "retry",
    })
    await using closes = await peer((socket) => void socket.once("data", () => socket.destroy()))
    await expect(logIn(closes.port)).rejects.toMatchObject({ code: "unreachable", remedy: "retry" })
    await using silent = await peer(() => undefined)
    const began = performance.now()
    await expect(logIn(silent.port, 200)).rejects.toMatchObject({
      code: "timeout",
      remedy: "retry",
    })
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test("no error repeats a value, or what the server says", async () => {
    for (const answer of [
      `-ERR ${value} xyzzy\r\n`,
      `-${value} xyzzy\r\n`,
      `-WRONGPASS ${value} xyzzy\r\n`,
      `${value} xyzzy\r\n`,
    ]) {
      await using server = await script(answer)
      const error: unknown = await logIn(server.port).catch((thrown: unknown) => thrown)
      expect(Bun.inspect(error)).not.toMatch(/Value-that|xyzzy/)
    }
  })
})

test("a real server that is full says so", async () => {
  await using server = await startRedis({ acl: [shopLine], config: { maxclients: "2" } })
  using first = await program(server.port, "shop", oldPassword)
  using second = await program(server.port, "shop", oldPassword)
  await expect(logIn(server.port)).rejects.toMatchObject({
    code: "too-many-connections",
    remedy: "retry",
  })
  first.socket.destroy()
  second.socket.destroy()
  await until("a place to be free", () =>
    logIn(server.port).then(
      () => true,
      (error: unknown) => (error as { code?: string }).code === "password-refused",
    ),
  )
})
