import { connect as connectTcp, isIP, type Socket } from "node:net"
import {
  checkServerIdentity,
  connect as connectTls,
  getCACertificates,
  type TLSSocket,
} from "node:tls"
import { AppError, systemCode } from "../../../base/error.ts"
import type { OpenGate } from "../server/listener.ts"
import { type Address, sayAddress } from "./address.ts"
import { sslRequest } from "./message.ts"

/**
 * Whom the server must prove to be, by a certificate; the system's authorities where `ca` (PEM) is
 * left out.
 */
export type TlsDemand = { readonly ca?: string; readonly name: string }
/**
 * `gate`: who listens is looked at before the proof of the password goes out, and before an answer
 * is believed.
 */
export type Endpoint = {
  readonly address: Address
  readonly tls?: TlsDemand
  readonly gate?: OpenGate
}

/**
 * A connection on which nobody has spoken PostgreSQL yet; verified TLS where it is demanded.
 * Destroyed when `signal` aborts. `path`: instead of the socket's as it is named.
 */
export async function openSocket(
  { address, tls }: Endpoint,
  signal: AbortSignal,
  path?: string,
): Promise<Socket> {
  const { host, port, socket: folder } = address
  const says = sayAddress(address)
  if (signal.aborted) throw timedOut(says)
  const socket =
    folder === undefined
      ? connectTcp({ host, port, noDelay: true })
      : connectTcp({ path: path ?? socketPath(folder, port) })
  try {
    await once(socket, "connect", says, signal)
    if (tls === undefined) return socket
    await askForTls(socket, says, signal)
    return await upgrade(socket, tls, says, signal)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

export function socketPath(folder: string, port: number): string {
  return `${folder}/.s.PGSQL.${port}`
}

export function timedOut(says: string): AppError {
  return new AppError("timeout", `${says}: no answer before the deadline`, { remedy: "retry" })
}

export function unreachable(says: string, error: unknown): AppError {
  const code = systemCode(error)
  return new AppError(
    "unreachable",
    `${says}: ${code === undefined ? "the connection was closed" : `the connection failed: ${code}`}`,
    {
      remedy: "retry",
      hint: "is the server running, and does the address name it?",
    },
  )
}

/**
 * One byte, S or N, in clear. More is refused: someone put it there to be taken for what came
 * through TLS (CVE-2021-23222).
 */
async function askForTls(socket: Socket, says: string, signal: AbortSignal): Promise<void> {
  socket.write(sslRequest)
  const answer = await once<Buffer>(socket, "data", says, signal)
  if (answer.length === 1 && answer[0] === 0x53) return
  throw new AppError("tls-not-offered", `${says}: the server offers no TLS`, {
    hint: 'set "ssl = on" and a certificate at the server; only where nobody can listen on the way: insecure: true',
  })
}

async function upgrade(
  socket: Socket,
  { ca, name }: TlsDemand,
  says: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const secure = connectTls({
    socket,
    host: name,
    // SNI carries names only (RFC 6066, 3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ca: ca ?? getCACertificates("system"),
    // Said aloud: it also wins over NODE_TLS_REJECT_UNAUTHORIZED.
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
  })
  try {
    await once(secure, "secureConnect", says, signal, tlsFailure)
    // Asked again, so that it does not hang on what a runtime does by default.
    if (!secure.authorized || checkServerIdentity(name, secure.getPeerCertificate()) !== undefined)
      throw tlsFailure(says, undefined)
    return secure
  } catch (error) {
    secure.destroy()
    throw error
  }
}

function tlsFailure(says: string, error: unknown): AppError {
  const code = systemCode(error)
  if (code === "ECONNRESET" || code === "EPIPE" || code === "ETIMEDOUT")
    return unreachable(says, error)
  const why =
    code === "ERR_TLS_CERT_ALTNAME_INVALID"
      ? "is made out to another name"
      : code === "CERT_HAS_EXPIRED"
        ? "has expired"
        : "is not vouched for by the authorities that we trust"
  return new AppError(
    "tls-unverified",
    `${says}: the server's certificate ${why}; nothing was sent`,
    {
      hint: "tls: { ca: FILE } names its authority, tls: { name: NAME } the name in the certificate",
    },
  )
}

/** The first `event`, or a rejection by an error, an end, or the deadline. */
function once<Value>(
  socket: Socket,
  event: string,
  says: string,
  signal: AbortSignal,
  fault: typeof unreachable = unreachable,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      socket.off(event, happened).off("error", failed).off("close", closed)
      signal.removeEventListener("abort", aborted)
      // An error that comes later has nobody to go to and must not end the process.
      socket.on("error", () => undefined)
      act()
    }
    const happened = (value: Value): void => settle(() => resolve(value))
    const failed = (error: unknown): void => settle(() => reject(fault(says, error)))
    const closed = (): void => settle(() => reject(unreachable(says, undefined)))
    const aborted = (): void => settle(() => reject(timedOut(says)))
    socket.on(event, happened).on("error", failed).on("close", closed)
    signal.addEventListener("abort", aborted)
  })
}
