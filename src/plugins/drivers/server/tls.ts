import {
  connect as connectTcp,
  isIP,
  type Socket,
  type TcpNetConnectOpts,
  type IpcNetConnectOpts,
} from "node:net"
import {
  checkServerIdentity,
  connect as connectTls,
  getCACertificates,
  type TLSSocket,
} from "node:tls"
import { AppError, systemCode } from "../../../base/error.ts"
import { changeableBy } from "../../../base/files/runnable.ts"
import { readRealFile } from "../../../base/files/real-file.ts"
import { present } from "../../../base/present.ts"
import type { SocketAddresses } from "../../../base/system/other-end.ts"

/**
 * What drivers that speak over a socket share: a connection that ends with its deadline, and TLS
 * that is verified.
 */

/**
 * Whom the server must prove to be; the system's authorities where `ca` is left out. `own` is what
 * we show, if the server asks. All PEM.
 */
export type TlsDemand = {
  readonly ca?: string
  readonly name: string
  readonly own?: { readonly certificate: string; readonly key: string }
}
/** `message` names the server in errors. */
export type Call = { readonly label: string; readonly signal: AbortSignal }

/** Connects; the socket is the caller's to destroy. */
export async function openSocket(
  to: TcpNetConnectOpts | IpcNetConnectOpts,
  call: Call,
): Promise<Socket> {
  if (call.signal.aborted) throw timedOut(call.label)
  const socket = connectTcp(to)
  try {
    await happening(socket, "connect", call, unreachable)
    noteEnds(socket)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/**
 * The addresses of a connection, by its socket: that forgets them when it is closed, and the kernel
 * may know the other end still.
 */
const ends = new WeakMap<Socket, SocketAddresses>()

function noteEnds(socket: Socket): void {
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  ends.set(socket, { localAddress, localPort, remoteAddress, remotePort })
}

export function endsOf(socket: Socket): SocketAddresses {
  return ends.get(socket) ?? socket
}

/** Speaks TLS on `socket` from here on; only once the certificate is verified. */
export async function upgrade(
  socket: Socket,
  { ca, name, own }: TlsDemand,
  call: Call,
): Promise<TLSSocket> {
  const secure = connectTls({
    socket,
    host: name,
    // SNI carries names only (RFC 6066, 3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
    ca: ca ?? getCACertificates("system"),
    // Said aloud: it also wins over NODE_TLS_REJECT_UNAUTHORIZED.
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
  })
  try {
    await happening(secure, "secureConnect", call, unverified)
    // Asked again, so that it does not hang on what a runtime does by default.
    if (!secure.authorized || checkServerIdentity(name, secure.getPeerCertificate()) !== undefined)
      throw unverified(call.label, undefined)
    return secure
  } catch (error) {
    secure.destroy()
    throw error
  }
}

/**
 * A file that holds a `what` ("CERTIFICATE", "PRIVATE KEY") in PEM form. Another user who can change
 * it could name an authority of their own, and be the server that is told a password.
 */
export async function readPem(path: string, what: string): Promise<string> {
  const changeable = await changeableBy(path)
  if (changeable !== undefined)
    throw new AppError("tls-file-open", `${path} ${changeable.message}`, {
      hint: `see that it holds what it should, then: ${changeable.remedy}`,
    })
  const text = await readTrusted(path).catch((error: unknown) => {
    throw new AppError("tls-file-unreadable", `cannot read ${path}: ${whyUnread(path, error)}`)
  })
  if (!new RegExp(`-----BEGIN [A-Z ]*${what}-----`).test(text))
    throw new AppError("tls-file-unreadable", `${path} holds no ${what.toLowerCase()} in PEM form`)
  return text
}

/** Bundles of all authorities have some hundred KiB. */
const largest = 4 * 1024 * 1024

/**
 * Anyone who can put a certificate there chooses whom we believe: what another user could have
 * linked or swapped is not read.
 */
export async function readTrusted(path: string): Promise<string> {
  const found = await readRealFile(path, largest)
  if (found === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" })
  return Buffer.from(found.bytes).toString()
}

export function whyUnread(path: string, error: unknown): string {
  return error instanceof AppError
    ? error.message.replace(`cannot read ${path}: `, "")
    : (systemCode(error) ?? "unknown error")
}

export function timedOut(label: string, hint?: string): AppError {
  return new AppError("timeout", `${label}: no answer before the deadline`, {
    remedy: "retry",
    ...present({ hint }),
  })
}

export function unreachable(label: string, error: unknown): AppError {
  const code = systemCode(error)
  return new AppError(
    "unreachable",
    `${label}: ${code === undefined ? "the connection was closed" : `the connection failed: ${code}`}`,
    {
      remedy: "retry",
      hint: "is the server running, and does the address name it?",
    },
  )
}

/**
 * Of a connection that was open. In TLS 1.3 a server that misses our certificate, or does not take
 * it, says so only after the handshake.
 */
export function lost(label: string, error: unknown): AppError {
  if (
    !/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ALERT_\w*(CA|CERTIFICATE)/.test(
      systemCode(error) ?? "",
    )
  )
    return unreachable(label, error)
  return new AppError(
    "tls-client-certificate",
    `${label}: the server asks for a client certificate, or does not take the one that the config names`,
    {
      hint: "tls: { certificate: FILE, key: FILE } names one that an authority of the server has signed",
    },
  )
}

/**
 * A closed connection during the handshake: it may be no TLS that the server speaks, or it may just
 * be going down.
 */
const passing = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT"])

const whyUnverified = new Map([
  ["ERR_TLS_CERT_ALTNAME_INVALID", "is made out to another name"],
  ["CERT_HAS_EXPIRED", "has expired"],
])

function unverified(label: string, error: unknown): AppError {
  const code = systemCode(error)
  if (code !== undefined && passing.has(code)) return unreachable(label, error)
  const why = whyUnverified.get(code ?? "") ?? "is not signed by an authority that we trust"
  return new AppError(
    "tls-unverified",
    `${label}: the server's certificate ${why}; nothing was sent`,
    {
      hint: "tls: { ca: FILE } names its authority, tls: { name: NAME } the name in the certificate",
    },
  )
}

/** The first `event`, or a rejection by an error, an end, or the deadline. */
function happening(
  socket: Socket,
  event: string,
  { label, signal }: Call,
  fault: typeof unreachable,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      socket.off(event, happened).off("error", failed).off("close", closed)
      signal.removeEventListener("abort", aborted)
      // A later error has no listener, and must not end the process.
      socket.on("error", () => undefined)
      act()
    }
    const happened = (): void => settle(resolve)
    const failed = (error: unknown): void => settle(() => reject(fault(label, error)))
    const closed = (): void => settle(() => reject(unreachable(label, undefined)))
    const aborted = (): void =>
      settle(() =>
        reject(
          timedOut(
            label,
            event === "secureConnect" ? "does the server speak TLS there?" : undefined,
          ),
        ),
      )
    socket.on(event, happened).on("error", failed).on("close", closed)
    signal.addEventListener("abort", aborted)
  })
}
