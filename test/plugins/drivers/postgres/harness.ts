import { connect as connectTcp, type Socket } from "node:net"
import type { Credential, Driver } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { PostgresOptions } from "../../../../src/plugins/drivers/postgres/options.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"
import { clientOf } from "../../../support/login.ts"
import type { PostgresServer } from "../../../support/servers/postgres.ts"
import { contextOf, type Peer, peer as peerOf } from "../harness.ts"

export type { Peer } from "../harness.ts"
export { drafted, host, passwordIn, soon, text, versions } from "../harness.ts"

export const label = "production/postgres"
/** What `sessionName` makes of the label and the owner below. */
export const ourName = "mycelium/production/postgres#0a1b2c3d"

export const reachWith = contextOf(label)

type Written = Record<string, unknown>

/** A driver for `role` on the server; the superuser is its admin unless `written` says otherwise. */
export function open(
  server: PostgresServer,
  role: string,
  written: Written = {},
  adminPassword = server.password,
): Driver {
  const admin = { user: server.superuser, password: { env: "ADMIN" }, database: "postgres" }
  const options = PostgresOptions.parse({
    address: `postgresql://127.0.0.1:${server.port}/postgres`,
    role,
    admin,
    ...written,
  })
  return postgres.open(options, reachWith(adminPassword, server.folder))
}

export function credential(
  version: string,
  fields: Record<string, string>,
  acceptedAt?: string,
): Credential {
  const secret = Object.entries(fields).map(([name, value]) => [
    name,
    name === "user" ? value : new Secret(name, value),
  ])
  return {
    version,
    fields: Object.fromEntries(secret),
    ...(acceptedAt === undefined ? {} : { acceptedAt }),
  }
}

/** A session of its own, as a program would hold it; ends with the test. */
export async function program(
  server: PostgresServer,
  username: string,
  password: string,
): Promise<Bun.SQL & AsyncDisposable> {
  const client = clientOf(server, username, password)
  await client.unsafe("select 1")
  return Object.assign(client, {
    [Symbol.asyncDispose]: () => client.close({ timeout: 0 }).catch(() => undefined),
  })
}

/** Does with each connection, once its client has spoken, what `talk` says. */
export function peer(talk: (socket: Socket, first: Buffer) => void): Promise<Peer> {
  return peerOf((socket) => socket.once("data", (chunk: Buffer) => talk(socket, chunk)))
}

/** Stands before a server, passes all bytes on, and keeps what the client sent. */
export function listener(port: number): Promise<Peer> {
  return peer((socket, first) => {
    const behind = connectTcp({ host: "127.0.0.1", port })
    behind.on("error", () => socket.destroy())
    behind.write(first)
    socket.on("data", (chunk) => void behind.write(chunk)).on("close", () => behind.destroy())
    behind.on("data", (chunk) => void socket.write(chunk)).on("close", () => socket.destroy())
  })
}

/** What a server sends to ask for a login of this kind (PostgreSQL manual, 55.7). */
export function authentication(kind: number, data = ""): Buffer {
  const head = Buffer.alloc(9)
  head.write("R")
  head.writeInt32BE(8 + data.length, 1)
  head.writeInt32BE(kind, 5)
  return Buffer.concat([head, Buffer.from(data, "latin1")])
}
