import { createHash } from "node:crypto"
import { connect as connectTcp, type Socket } from "node:net"
import type { Credential, Driver, Versions } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { redis } from "../../../../src/plugins/drivers/redis/index.ts"
import { RedisOptions } from "../../../../src/plugins/drivers/redis/options.ts"
import { encodeCommand } from "../../../../src/plugins/drivers/redis/resp.ts"
import type { RedisServer } from "../../../support/servers/redis.ts"
import { contextOf, passwordIn, type Peer, peer, soon, versions } from "../harness.ts"

export { drafted, host, passwordIn, peer, soon, text, versions } from "../harness.ts"

export const label = "production/redis"
/** What `sessionName` makes of the label and the owner below. */
export const ourName = "mycelium/production/redis#0a1b2c3d"
export const oldPassword = "Old-password-of-the-shop.1"
/** A user as the tests have it, in the words of an ACL file. */
export const shopLine = `shop on >${oldPassword} ~* &* +@all -@admin`

export const reachWith = contextOf(label)

type Written = Record<string, unknown>

/** A driver for `shop` on the server; the test's admin is its admin unless `written` says otherwise. */
export function open(
  server: RedisServer,
  written: Written = {},
  adminPassword = server.admin.password,
): Driver {
  const admin = { user: server.admin.user, password: { env: "ADMIN" } }
  return redis.open(
    RedisOptions.parse({ address: addressOf(server), user: "shop", admin, ...written }),
    reachWith(adminPassword, server.folder),
  )
}

export function addressOf({ port }: RedisServer): string {
  return `redis://127.0.0.1:${port}`
}

export function credential(
  version: string,
  password: string,
  acceptedAt?: string,
  user = "shop",
): Credential {
  return {
    version,
    fields: { user, password: new Secret("password", password) },
    ...(acceptedAt === undefined ? {} : { acceptedAt }),
  }
}
/** What the server holds at the start. */
export const old = credential("v1", oldPassword)

export function hash(password: string): string {
  return createHash("sha256").update(password).digest("hex")
}

/** The hashes that the server holds for a user, sorted. */
export async function hashesAt(server: RedisServer, user = "shop"): Promise<readonly string[]> {
  const lines = await server.command("ACL", "LIST")
  const line = Array.isArray(lines)
    ? lines.map(String).find((one) => one.startsWith(`user ${user} `))
    : undefined
  return [...(line ?? "").matchAll(/#([0-9a-f]{64})/g)].map(([, found = ""]) => found).toSorted()
}

export function hashesOf(...candidates: readonly Credential[]): readonly string[] {
  return candidates.map((one) => hash(passwordIn(one))).toSorted()
}

/** A connection of its own that says what it is told, and keeps what it hears. */
export type Program = Disposable & {
  readonly socket: Socket
  say(...words: readonly string[]): void
  heard(): string
  /** Says it and waits for an answer. */
  ask(...words: readonly string[]): Promise<string>
  ended(): boolean
}

export async function program(port: number, user: string, password: string): Promise<Program> {
  const socket = connectTcp({ host: "127.0.0.1", port })
  let heard = ""
  let ended = false
  socket
    .on("error", () => undefined)
    .on("close", () => (ended = true))
    .on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")))
  const say = (...words: readonly string[]): void => void socket.write(encodeCommand(words))
  const ask = async (...words: readonly string[]): Promise<string> => {
    heard = ""
    say(...words)
    while (!heard.endsWith("\r\n")) {
      if (ended) throw new Error("the server hung up")
      await Bun.sleep(1)
    }
    return heard
  }
  const login = await ask("AUTH", user, password)
  if (login !== "+OK\r\n") throw new Error(login)
  return {
    socket,
    say,
    ask,
    heard: () => heard,
    ended: () => ended,
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** Answers each piece that a client sends with the next of these. */
export function script(...answers: readonly string[]): Promise<Peer> {
  return peer((socket) => {
    const left = [...answers]
    socket.on("data", () => void socket.write(left.shift() ?? ""))
  })
}

export async function codes(
  driver: Driver,
  about: Versions = versions(old),
): Promise<readonly string[]> {
  return (await driver.preflight(about, soon())).map(({ severity, code }) => `${severity} ${code}`)
}
