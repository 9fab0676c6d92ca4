import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Credential, Driver, PluginContext, Versions } from "../../../src/core/ports.ts"
import { Secret } from "../../../src/core/secret.ts"
import { ourPrefix } from "../../support/our-prefix.ts"
import { host, text } from "./conformance/harness.ts"

/** What the tests of every driver share. */

export { host, text }

export function soon(ms = 5000): AbortSignal {
  return AbortSignal.timeout(ms)
}

export type ContextWith = (adminPassword: string, folder?: string) => PluginContext

/** What a driver for the secret `label` gets; each reference of its config leads to the admin's password. */
export function contextOf(label: string): ContextWith {
  return (adminPassword, folder = "/") => ({
    host,
    label,
    owner: "0a1b2c3d4e5f",
    folder: trusted(folder),
    credential: async () => new Secret("admin", adminPassword),
  })
}

/**
 * A server that runs as a user of its own owns its folder: certificates in it are not believed, so
 * they are copied to where this user alone can write.
 */
export function trusted(folder: string): string {
  if ([0, process.geteuid?.()].includes(statSync(folder).uid)) return folder
  const own = mkdtempSync(join(tmpdir(), `${ourPrefix()}-`))
  process.on("exit", () => rmSync(own, { recursive: true, force: true }))
  for (const name of readdirSync(folder))
    if (/\.(pem|key|crt)$/.test(name)) copyFileSync(join(folder, name), join(own, name))
  return own
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

export type Peer = AsyncDisposable & { readonly port: number; readonly received: () => string }

/** Listens on loopback, hands each connection to `talk`, and keeps what clients sent. */
export async function peer(talk: (socket: Socket) => void): Promise<Peer> {
  const sockets = new Set<Socket>()
  const chunks: Buffer[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => undefined)
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    talk(socket)
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
