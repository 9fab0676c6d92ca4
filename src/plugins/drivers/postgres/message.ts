import { AppError } from "../../../base/error.ts"

/** Bytes of the protocol, version 3.0 (PostgreSQL manual, Message Formats). */

/** A message from the server: its type, one letter, and what follows the length. */
export type Message = { readonly type: string; readonly body: Buffer }

export const sslRequest = frame("", int32(80877103))
export const terminate = frame("X")

export function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [text(name), text(value)])
  return frame("", int32(196608), ...pairs, Buffer.of(0))
}

export function query(sql: string): Buffer {
  return frame("Q", text(sql))
}

export function saslInitial(mechanism: string, data: string): Buffer {
  return frame("p", text(mechanism), int32(Buffer.byteLength(data)), Buffer.from(data))
}

export function saslResponse(data: string): Buffer {
  return frame("p", Buffer.from(data))
}

/** The code of an AuthenticationXXX message, and what follows it. */
export function readAuthentication({ body }: Message): {
  readonly kind: number
  readonly rest: Buffer
} {
  if (body.length < 4) throw malformed()
  return { kind: body.readInt32BE(0), rest: body.subarray(4) }
}

/**
 * SQLSTATE of an ErrorResponse: its field C. The fields with text (M, D, H, W, …) are not even
 * read.
 */
export function readSqlstate({ body }: Message): string {
  for (const field of texts(body)) if (field.startsWith("C")) return field.slice(1)
  return ""
}

/** The columns of a DataRow, as text. */
export function readRow({ body }: Message): (string | null)[] {
  if (body.length < 2) throw malformed()
  const columns: (string | null)[] = []
  let at = 2
  for (let left = body.readInt16BE(0); left > 0; left--) {
    if (at + 4 > body.length) throw malformed()
    const length = body.readInt32BE(at)
    at += 4
    if (length > body.length - at) throw malformed()
    columns.push(length < 0 ? null : body.toString("utf8", at, at + length))
    at += Math.max(length, 0)
  }
  return columns
}

/** Texts that end in a zero byte, up to an empty one. */
export function texts(body: Buffer): string[] {
  const found: string[] = []
  for (let at = 0; at < body.length && body[at] !== 0; ) {
    const end = body.indexOf(0, at)
    if (end < 0) throw malformed()
    found.push(body.toString("utf8", at, end))
    at = end + 1
  }
  return found
}

/** The server does not keep to the protocol; what it sent is not shown. */
export function malformed(): AppError {
  return new AppError(
    "protocol-error",
    "what answers there does not speak PostgreSQL's protocol as expected",
    { hint: "does the address name a PostgreSQL server?" },
  )
}

function frame(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  // A zero byte would end the text early, and the rest would be read as something else.
  if (value.includes("\0"))
    throw new AppError("zero-byte", "a text for PostgreSQL holds a zero byte, which it cannot")
  return Buffer.from(`${value}\0`)
}
