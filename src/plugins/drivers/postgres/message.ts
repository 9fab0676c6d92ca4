import { AppError } from "../../../base/error.ts"
import { tooLarge } from "../server/channel.ts"

/** Bytes of the protocol, version 3.0 (PostgreSQL manual, Message Formats). */

/** A message from the server: its type, one letter, and what follows the length. */
export type Message = { readonly type: string; readonly body: Buffer }

/** None that we ask for comes near this; a server that sends more is not what we took it for. */
const largest = 1024 * 1024

/** Cuts a byte stream into messages. */
export class MessageReader {
  #bytes: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
  }

  next(): Message | undefined {
    if (this.#bytes.length < 5) return undefined
    const length = this.#bytes.readInt32BE(1)
    if (length < 4) throw malformed()
    if (length > largest) throw tooLarge()
    if (this.#bytes.length < length + 1) return undefined
    const message = {
      type: this.#bytes.toString("latin1", 0, 1),
      body: this.#bytes.subarray(5, length + 1),
    }
    this.#bytes = this.#bytes.subarray(length + 1)
    return message
  }

  get rest(): number {
    return this.#bytes.length
  }
}

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
    "answer-malformed",
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
