import { createHash } from "node:crypto"
import { BodyReader, longestBody, malformed } from "./packets.ts"

/**
 * What is said at a login by mysql_native_password: of the password only a proof that is good for
 * one `seed`.
 */

export const nativePassword = "mysql_native_password"

export type Greeting = { readonly version: string; readonly tls: boolean; readonly seed: Buffer }

/** The first packet of a server (protocol 10). */
export function readGreeting(body: Buffer): Greeting {
  const fields = new BodyReader(body)
  if (fields.number(1) !== 10) throw malformed()
  const version = fields.untilZero()
  fields.number(4)
  const first = fields.bytes(8)
  fields.number(1)
  const flags = fields.number(2)
  fields.bytes(3)
  fields.bytes(2)
  fields.bytes(11)
  // What old replicas are told before the true version.
  return {
    version: version.replace(/^5\.5\.5-/, ""),
    tls: (flags & tlsFlag) !== 0,
    seed: Buffer.concat([first, fields.bytes(12)]),
  }
}

/**
 * CLIENT_LONG_PASSWORD, _PROTOCOL_41, _TRANSACTIONS, _SECURE_CONNECTION, _PLUGIN_AUTH. Neither
 * LOCAL INFILE nor several statements at once.
 */
const capabilities = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x80000
const tlsFlag = 0x800

/** What comes before the login; alone, with the flag, it asks for TLS. utf8mb4_general_ci. */
export function loginHead(tls: boolean): Buffer {
  const head = Buffer.alloc(32)
  head.writeUInt32LE(capabilities | (tls ? tlsFlag : 0), 0)
  head.writeUInt32LE(longestBody, 4)
  head.writeUInt8(45, 8)
  return head
}

export function loginBody(tls: boolean, user: string, answer: Buffer): Buffer {
  return Buffer.concat([
    loginHead(tls),
    Buffer.from(`${user}\0`),
    Buffer.from([answer.length]),
    answer,
    Buffer.from(`${nativePassword}\0`),
  ])
}

/** What mysql_native_password answers. */
export function scramble(password: string, seed: Buffer): Buffer {
  const once = sha1(Buffer.from(password))
  const mask = sha1(Buffer.concat([seed, sha1(once)]))
  return Buffer.from(once.map((byte, at) => byte ^ (mask[at] ?? 0)))
}

/** What the server keeps of a password: "*HEX". */
export function nativeHash(password: string): string {
  return `*${sha1(sha1(Buffer.from(password)))
    .toString("hex")
    .toUpperCase()}`
}

function sha1(bytes: Buffer): Buffer {
  return createHash("sha1").update(bytes).digest()
}
