import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { AppError } from "../../src/base/error.ts"
import {
  readAuthentication,
  readRow,
  readSqlstate,
  texts,
} from "../../src/plugins/drivers/postgres/message.ts"
import { postgres } from "../../src/plugins/drivers/postgres/index.ts"
import { PostgresOptions } from "../../src/plugins/drivers/postgres/options.ts"
import { redis } from "../../src/plugins/drivers/redis/index.ts"
import { RedisOptions } from "../../src/plugins/drivers/redis/options.ts"
import { ReplyReader } from "../../src/plugins/drivers/redis/resp.ts"
import type { Driver } from "../../src/core/ports.ts"
import {
  authentication,
  credential,
  peer,
  reachWith,
  soon,
} from "../plugins/drivers/postgres/harness.ts"
import { answered, bytes, mutated, runs } from "../support/fuzzed.ts"

/** What a server sends is whatever it sends. */

const redisWords = fc.constantFrom(
  "+OK\r\n",
  "-WRONGPASS no\r\n",
  "-ERR\r\n",
  ":1\r\n",
  ":",
  "$",
  "*",
  "$-1\r\n",
  "*-1\r\n",
  "*2\r\n",
  "$3\r\nabc\r\n",
  "$5\r\nab\r\n",
  "*1000000000\r\n",
  "$99999999999\r\n",
  "\r\n",
  "_\r\n",
  "%1\r\n",
  "-NOAUTH x\r\n",
  "*8\r\n".repeat(9),
)
const redisStream = fc.oneof(
  bytes(),
  fc
    .array(fc.oneof(redisWords, fc.string({ maxLength: 4 })), { maxLength: 12 })
    .map((words) => Buffer.from(words.join(""))),
)

describe("what Redis may answer", () => {
  test("any bytes, in any pieces, are replies or one of our errors", async () => {
    await fc.assert(
      fc.asyncProperty(redisStream, fc.nat(), async (stream, cut) => {
        const reader = new ReplyReader()
        await answered(() => {
          reader.push(Buffer.from(stream.subarray(0, cut % (stream.length + 1))))
          for (let count = 0; reader.next() !== undefined; count++)
            expect(count).toBeLessThan(stream.length + 1)
          reader.push(Buffer.from(stream.subarray(cut % (stream.length + 1))))
          for (let count = 0; reader.next() !== undefined; count++)
            expect(count).toBeLessThan(stream.length + 1)
        })
      }),
      runs(3000),
    )
  })
})

const numbers = fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 5, 10, 12)
const message = fc
  .record({
    type: fc.constantFrom(..."RSKZECDTNI1"),
    length: fc.option(fc.integer({ min: -5, max: 70 })),
    body: fc.oneof(
      bytes(60),
      numbers.map((number) => Buffer.from(new Int32Array([number]).buffer).reverse()),
    ),
  })
  .map(({ type, length, body }) => {
    const head = Buffer.alloc(5)
    head.write(type)
    head.writeInt32BE(length ?? body.length + 4, 1)
    return Buffer.concat([head, body])
  })
const greeting = Buffer.concat([
  authentication(0),
  frame("S", "server_version\u000015.3\0"),
  frame("Z", "I"),
])
const postgresStream = fc.oneof(
  bytes(),
  fc.array(message, { maxLength: 8 }).map((parts) => Buffer.concat(parts)),
  fc.array(message, { maxLength: 4 }).map((parts) => Buffer.concat([greeting, ...parts])),
)

function frame(type: string, body: string): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(Buffer.byteLength(body) + 4, 1)
  return Buffer.concat([head, Buffer.from(body)])
}

describe("what PostgreSQL may answer", () => {
  test("any body of a message is read, or is one of our errors", async () => {
    for (const read of [
      readAuthentication,
      readRow,
      readSqlstate,
      ({ body }: { readonly body: Buffer }) => texts(body),
    ]) {
      await fc.assert(
        fc.asyncProperty(
          bytes(),
          async (body) => void (await answered(() => read({ type: "D", body: Buffer.from(body) }))),
        ),
        runs(500),
      )
    }
  })
})

const password = "The-password-of-the-shop.1"
const login = credential("v1", { user: "shop", password })

/**
 * Every act of a driver, against a peer that sends `stream` whatever it is asked, and then ends the
 * connection.
 */
async function everyAct(driver: Driver): Promise<void> {
  const acts: readonly (() => Promise<unknown>)[] = [
    () => driver.probe(login, soon(2000)),
    () => driver.settle([login], soon(2000)),
    () => driver.apply(login, { uncertain: [], current: login }, soon(2000)),
    () => driver.preflight({ uncertain: [], current: login }, soon(2000)),
    () => driver.revoke(login, login, { endSessions: true }, soon(2000)),
  ]
  for (const act of acts) {
    const answer = await answered(act, [password])
    if (act === acts[0] && !(answer instanceof AppError))
      expect(["accepted", "refused", "unknown"]).toContain(String(answer))
  }
}

describe("every act of a driver, whatever the other side sends, ends with an answer or one of our errors", () => {
  const drivers = [
    {
      name: "postgres",
      streams: postgresStream,
      open: (port: number) =>
        postgres.open(
          PostgresOptions.parse({
            address: `postgresql://127.0.0.1:${port}/postgres`,
            role: "shop",
          }),
          reachWith("none"),
        ),
    },
    {
      name: "redis",
      streams: redisStream,
      open: (port: number) =>
        redis.open(
          RedisOptions.parse({ address: `redis://127.0.0.1:${port}`, user: "shop" }),
          reachWith("none"),
        ),
    },
  ]
  test.each(drivers)(
    "$name",
    async ({ streams, open }) => {
      await fc.assert(
        fc.asyncProperty(streams, async (stream) => {
          await using other = await peer((socket) => void socket.end(Buffer.from(stream)))
          await everyAct(open(other.port))
        }),
        runs(60),
      )
    },
    60_000,
  )

  test("redis, with answers that are nearly right", async () => {
    const users = "*2\r\n$5\r\nflags\r\n*1\r\n$2\r\non\r\n"
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constantFrom("+OK\r\n", "+PONG\r\n", users), mutated(users)), {
          maxLength: 12,
        }),
        async (replies) => {
          await using other = await peer((socket) => void socket.end(replies.join("")))
          await everyAct(
            redis.open(
              RedisOptions.parse({ address: `redis://127.0.0.1:${other.port}`, user: "shop" }),
              reachWith("none"),
            ),
          )
        },
      ),
      runs(60),
    )
  }, 60_000)
})
