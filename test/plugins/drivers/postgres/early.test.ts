import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connect, createServer, type Socket } from "node:net"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { until } from "../../../support/until.ts"
import { credential, drafted, open, soon, versions } from "./harness.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

/** One way through: who has spoken by it, and what ends it. */
type Way = { readonly socket: Socket; said: string; isOver: boolean }
type Between = AsyncDisposable & { readonly port: number; readonly ways: readonly Way[] }

type Passing = {
  /** Before bytes of the client go on to the server; those of a promise wait. */
  readonly up?: (way: Way, text: string) => Promise<void> | void
  readonly down?: (way: Way, text: string) => void
}

/** Stands before the server and passes on what each connection says, in order. */
async function between({ up, down }: Passing): Promise<Between> {
  const ways: Way[] = []
  const listening = createServer((socket) => {
    const way: Way = { socket, said: "", isOver: false }
    ways.push(way)
    const behind = connect({ host: "127.0.0.1", port: server.port })
    let before = Promise.resolve()
    socket.on("error", () => undefined).on("close", () => (behind.destroy(), (way.isOver = true)))
    behind.on("error", () => socket.destroy()).on("close", () => socket.destroy())
    socket.on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1")
      way.said += text
      before = before.then(() => up?.(way, text)).then(() => void behind.write(chunk))
    })
    behind.on("data", (chunk: Buffer) => {
      down?.(way, chunk.toString("latin1"))
      socket.write(chunk)
    })
  })
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve))
  const address = listening.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    port: address.port,
    ways,
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of ways) socket.destroy()
      listening.close()
    },
  }
}

let roles = 0
/** A role that changes its own password, through `port`. */
async function changing(
  port: number,
  limit = "",
): Promise<{ readonly driver: Driver; readonly old: Credential; readonly next: Credential }> {
  const role = `early${++roles}`
  await server.sql(`create role ${role} login password 'old-password' ${limit}`)
  const address = `postgresql://127.0.0.1:${port}/postgres`
  const driver = open(server, role, { address, admin: undefined })
  const old = credential("v1", { user: role, password: "old-password" })
  return { driver, old, next: drafted(driver, "v2") }
}

const isProbe = ({ said }: Way): boolean => said.includes("mycelium-probe")

describe("the login that proves a new password", () => {
  test("has its connection before the old one ends, and says nothing on it until then", async () => {
    let atChange: readonly string[] = []
    await using way = await between({
      up: (_, text) => {
        if (text.includes("ALTER ROLE")) atChange = way.ways.map(({ said }) => said)
      },
    })
    const { driver, old, next } = await changing(way.port)
    await driver.apply(next, versions(old, next), soon())
    expect(await driver.probe(next, soon())).toBe("accepted")
    const proving = way.ways.findIndex(isProbe)
    expect(atChange[proving]).toBe("")
    expect(way.ways.filter(isProbe)).toHaveLength(1)
    expect(await driver.probe(old, soon())).toBe("refused")
    expect(way.ways.filter(isProbe)).toHaveLength(2)
  })

  test("goes another way if that connection has ended meanwhile", async () => {
    await using way = await between({
      down: (_, text) => {
        if (!text.includes("ALTER ROLE")) return
        for (const { said, socket } of way.ways) if (said === "") socket.destroy()
      },
    })
    const { driver, old, next } = await changing(way.port)
    await driver.apply(next, versions(old, next), soon())
    expect(await driver.probe(next, soon())).toBe("accepted")
    expect(way.ways.some(({ said, isOver }) => said === "" && isOver)).toBe(true)
  })

  test("waits for the seat of our own session if it is the last", async () => {
    const full = Promise.withResolvers<void>()
    await using way = await between({
      up: (_, text) =>
        text.startsWith("X\0\0\0\x04") && text.length === 5 ? full.promise : undefined,
      down: (one, text) => {
        if (isProbe(one) && text.includes("53300")) full.resolve()
      },
    })
    const { driver, old, next } = await changing(way.port, "connection limit 1")
    const { acceptedAt } = await driver.apply(next, versions(old, next), soon())
    expect(acceptedAt).toBeDefined()
    const heard: unknown[] = []
    expect(await driver.probe(next, soon(), (why) => heard.push(why))).toBe("accepted")
    expect(heard).toEqual([])
    expect(way.ways.filter(isProbe)).toHaveLength(2)
    await driver.drained?.()
    await until("all sessions to be over", () => way.ways.every(({ isOver }) => isOver))
  })

  test.each([
    ["without a limit: its restart does not wait for our session's end", "", "at once"],
    ["with a limit: it waits", "connection limit 5", "waits"],
  ])("of a role %s", async (_, limit, expected) => {
    const end = Promise.withResolvers<void>()
    let [holds, held] = [false, 0]
    await using way = await between({
      up: (_way, text) => {
        if (!holds || !text.startsWith("X\0\0\0\x04")) return undefined
        held++
        return end.promise
      },
    })
    const { driver, old, next } = await changing(way.port, limit)
    await driver.preflight(versions(old, next), soon())
    await driver.apply(next, versions(old, next), soon())
    holds = true
    expect(await driver.probe(next, soon())).toBe("accepted")
    const drained = driver.drained?.().then(() => "at once")
    await until("our session to be told to end", () => held > 0)
    expect(await Promise.race([drained, Bun.sleep(0).then(() => "waits")])).toBe(expected)
    end.resolve()
    await drained
  })

  test("leaves no connection behind where there was no change", async () => {
    await using way = await between({
      up: ({ socket }, text) => void (text.includes("ALTER ROLE") && socket.destroy()),
    })
    const { driver, old, next } = await changing(way.port)
    await expect(driver.apply(next, versions(old, next), soon())).rejects.toMatchObject({
      code: "unreachable",
    })
    await until(
      "the early one to be over",
      () => way.ways.length === 2 && way.ways.every(({ isOver }) => isOver),
    )
    await driver.drained?.()
  })
})
