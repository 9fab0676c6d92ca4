import { AppError } from "../../../base/error.ts"
import type { MessageReader } from "../server/channel.ts"

/** Frames of AMQP 0-9-1, as far as a login needs them: methods of the connection, on channel 0. */

/** `id`: class and method, as "10.30". */
export type Method = { readonly id: string; readonly fields: FieldReader }

/** What a client says first; a server that speaks another version answers with its own. */
export const greeting = Buffer.from("AMQP\0\0\x09\x01", "latin1")

const frame = { method: 1, heartbeat: 8, end: 0xce } as const
const headBytes = 7
/** A login's longest is the server's properties. */
const longest = 128 * 1024

/** Cuts a byte stream into methods. */
export class MethodReader implements MessageReader<Method> {
  #bytes: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
  }

  next(): Method | undefined {
    for (;;) {
      const bytes = this.#bytes
      const kind = bytes[0]
      if (kind !== undefined && kind !== frame.method && kind !== frame.heartbeat) throw malformed()
      if (bytes.length < headBytes) return undefined
      const size = bytes.readUInt32BE(3)
      if (bytes.readUInt16BE(1) !== 0 || size > longest) throw malformed()
      if (bytes.length <= headBytes + size) return undefined
      if (bytes[headBytes + size] !== frame.end) throw malformed()
      this.#bytes = bytes.subarray(headBytes + size + 1)
      if (kind === frame.method) return methodIn(bytes.subarray(headBytes, headBytes + size))
    }
  }

  get rest(): number {
    return this.#bytes.length
  }
}

function methodIn(payload: Buffer): Method {
  const fields = new FieldReader(payload)
  return { id: `${fields.short()}.${fields.short()}`, fields }
}

/** The fields of a method, one after the other. */
export class FieldReader {
  readonly #bytes: Buffer
  #at = 0
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  octet(): number {
    return this.#take(1).readUInt8()
  }

  short(): number {
    return this.#take(2).readUInt16BE()
  }

  long(): Buffer {
    return this.#take(this.#take(4).readUInt32BE())
  }

  /** All that was not read. */
  rest(): Buffer {
    return this.#take(this.#bytes.length - this.#at)
  }

  #take(count: number): Buffer {
    const end = this.#at + count
    if (end > this.#bytes.length) throw malformed()
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }
}

export function encodeMethod(
  [type, method]: readonly [number, number],
  ...parts: Buffer[]
): Buffer {
  const payload = Buffer.concat([short(type), short(method), ...parts])
  const head = Buffer.alloc(headBytes)
  head[0] = frame.method
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([frame.end])])
}

export function short(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

/** Text of up to 255 bytes. */
export function shortText(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

export function long(bytes: Buffer | string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(bytes))
  return Buffer.concat([length, Buffer.from(bytes)])
}

/** A table of texts, switches and tables. */
export type Table = { readonly [name: string]: string | boolean | Table }

export function encodeTable(table: Table): Buffer {
  return long(
    Buffer.concat(
      Object.entries(table).flatMap(([name, value]) => [shortText(name), encodeValue(value)]),
    ),
  )
}

function encodeValue(value: Table[string]): Buffer {
  if (typeof value === "string") return Buffer.concat([Buffer.from("S"), long(value)])
  if (typeof value === "boolean") return Buffer.from(["t".charCodeAt(0), value ? 1 : 0])
  return Buffer.concat([Buffer.from("F"), encodeTable(value)])
}

export function malformed(): AppError {
  return new AppError("answer-malformed", "what answers does not speak AMQP 0-9-1 as expected")
}
