import { createServer, connect as connectTcp, type Socket } from "node:net"
import { realHost } from "../../../../src/base/system/host.ts"
import { makeValue } from "../../../../src/base/text/value-shape.ts"
import type {
  Credential,
  Driver,
  MakeText,
  PluginContext,
  Versions,
} from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { PostgresOptions } from "../../../../src/plugins/drivers/postgres/options.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"
import type { PostgresServer } from "../../../support/servers/postgres.ts"

export const host = realHost({})
export const text: MakeText = (field, shape) =>
  new Secret(
    field,
    makeValue(typeof shape === "number" ? { length: shape } : (shape ?? {}), host.random),
  )
export const label = "production/postgres"
/** What `sessionName` makes of the label and the owner below. */
export const ourName = "mycelium/production/postgres#0a1b2c3d"

export function soon(ms = 5000): AbortSignal {
  return AbortSignal.timeout(ms)
}

export function reachWith(adminPassword: string, folder = "/"): PluginContext {
  return {
    host,
    label,
    owner: "0a1b2c3d4e5f",
    folder,
    credential: async () => new Secret("admin", adminPassword),
  }
}

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

export function drafted(driver: Driver, version: string): Credential {
  return { version, fields: driver.generate({ uncertain: [] }, text) }
}

export function versions(current?: Credential, pending?: Credential): Versions {
  return {
    uncertain: [],
    ...(current === undefined ? {} : { current }),
    ...(pending === undefined ? {} : { pending }),
  }
}

export function passwordIn({ fields }: Credential): string {
  const { password } = fields
  return password instanceof Secret ? password.reveal() : ""
}

/** A session of its own, as a program would hold it; ends with the test. */
export async function program(
  server: PostgresServer,
  username: string,
  password: string,
): Promise<Bun.SQL & AsyncDisposable> {
  const client = new Bun.SQL({
    adapter: "postgres",
    hostname: "127.0.0.1",
    port: server.port,
    username,
    password,
    database: "postgres",
    max: 1,
  })
  await client.unsafe("select 1")
  return Object.assign(client, {
    [Symbol.asyncDispose]: () => client.close({ timeout: 0 }).catch(() => undefined),
  })
}

export type Peer = AsyncDisposable & { readonly port: number; readonly received: () => string }

/** Listens on loopback and does with each connection what `stderr` says; keeps what clients sent. */
export async function peer(talk: (socket: Socket, first: Buffer) => void): Promise<Peer> {
  const sockets = new Set<Socket>()
  const chunks: Buffer[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => undefined)
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    socket.once("data", (chunk: Buffer) => talk(socket, chunk))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    port: address.port,
    received: () => Buffer.concat(chunks).toString("latin1"),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
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
