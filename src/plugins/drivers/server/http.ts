import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import type { Secret } from "../../../core/secret.ts"
import { type ServerAddress, sayAddress } from "./address.ts"
import { type Channel, openChannel } from "./channel.ts"
import { dial, type Endpoint } from "./endpoint.ts"
import { type HttpAnswer, HttpReader } from "./http-reader.ts"
import { type Call, upgrade } from "./tls.ts"

/**
 * One question to a management API, over HTTP/1.1. Not Bun's fetch: that goes through HTTP_PROXY,
 * even to loopback, and follows redirects, with the password in both.
 */

export type { HttpAnswer }
export type HttpRequest = {
  readonly method: "GET" | "PUT" | "POST" | "DELETE" | "PATCH"
  /** With each part encoded: `/api/users/${encodeURIComponent(name)}`. */
  readonly path: string
  /** Goes out as JSON. */
  readonly body?: unknown
  /** In the place of a body: JSON already, where it must go out as it was written. */
  readonly text?: string
  /** Of the text: application/json if left out. */
  readonly type?: string
}
/** By HTTP's basic authentication, or by headers; `user` names who asks in errors. */
export type HttpLogin =
  | { readonly user: string; readonly password: Secret }
  | { readonly user: string; readonly headers: Readonly<Record<string, string | Secret>> }

const longestAnswer = 16 * 1024 * 1024
/** Of a process that may be anyone's yet. */
const longestUnproven = 256 * 1024

/** Asks over a connection of its own. What the status means is the driver's to say. */
export async function ask(
  { address, tls, gate: gateOf }: Endpoint,
  login: HttpLogin,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const call: Call = { label: `at ${sayAddress(address)} as ${login.user}`, signal }
  const host = hostHeader(address, tls !== undefined)
  await using gate = await gateOf?.(call.label)
  const plain = await dial(address, gate, call)
  const socket: Socket = tls === undefined ? plain : await upgrade(plain, tls, call)
  const reader = new HttpReader()
  const channel = openChannel<HttpAnswer>(socket, call, { reader, longestAnswer })
  try {
    // Any answer to a question without a login shows that a process has accepted the connection:
    // which one is checked before it is told the password.
    if (gate !== undefined) {
      reader.most = longestUnproven
      await answer(channel, head(host, { method: "GET", path: "/" }))
      await gate.check(plain)
      reader.most = longestAnswer
    }
    return await answer(channel, head(host, request, login))
  } finally {
    channel.end()
  }
}

/** As the server sees it: without the port that its scheme means. */
export function hostHeader(address: ServerAddress, encrypted: boolean): string {
  if ("socket" in address) return "localhost"
  const said = sayAddress(address)
  const standard = encrypted ? 443 : 80
  return address.port === standard ? said.slice(0, -`:${standard}`.length) : said
}

/** The body as JSON, for a schema of the driver's. A parser's own error would quote it. */
export function jsonIn({ body }: HttpAnswer, message: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new AppError("answer-malformed", `${message}: the server's answer is not understood`)
  }
}

function answer(channel: Channel<HttpAnswer>, bytes: Buffer): Promise<HttpAnswer> {
  channel.send(bytes)
  return channel.receive()
}

function head(host: string, request: HttpRequest, login?: HttpLogin): Buffer {
  const { method, path } = request
  if (!/^\/[!-~]*$/.test(path)) throw new AppError("internal", "a path that is not encoded")
  const body = bodyOf(request)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${host}`,
    "user-agent: mycelium",
    "accept: application/json",
    "accept-encoding: identity",
    ...(login === undefined ? [] : headersOf(login)),
    ...(body === undefined ? [] : [`content-type: ${request.type ?? "application/json"}`]),
    `content-length: ${Buffer.byteLength(body ?? "")}`,
  ]
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`)
}

function bodyOf({ body, text }: HttpRequest): string | undefined {
  return text ?? (body === undefined ? undefined : JSON.stringify(body))
}

function headersOf(login: HttpLogin): readonly string[] {
  if ("password" in login) return [`authorization: Basic ${basic(login.user, login.password)}`]
  return Object.entries(login.headers).map(([name, value]) => {
    const text = typeof value === "string" ? value : value.reveal()
    if (!/^[!-~]+( [!-~]+)*$/.test(text))
      throw new AppError("internal", "a header that is not printable")
    return `${name}: ${text}`
  })
}

/** The first colon ends the user's name (RFC 7617, 2): a driver's options let none into it. */
function basic(user: string, password: Secret): string {
  if (user.includes(":")) throw new AppError("internal", "a user's name with a colon")
  return Buffer.from(`${user}:${password.reveal()}`).toString("base64")
}
