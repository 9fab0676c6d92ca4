import { AppError } from "../../../base/error.ts"

/**
 * The packets of MariaDB's client/server protocol, and what is in them, as far as a login and a few
 * statements need it.
 */

export type Packet = { readonly sequence: number; readonly body: Buffer }

/** No answer to what we ask is longer. */
export const longestBody = 4 * 1024 * 1024

/** Takes bytes as they come, gives whole packets. */
export class PacketReader {
  #bytes: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
  }

  next(): Packet | undefined {
    if (this.#bytes.length < 4) return undefined
    const length = this.#bytes.readUIntLE(0, 3)
    if (length > longestBody) throw malformed()
    if (this.#bytes.length < 4 + length) return undefined
    const packet = { sequence: this.#bytes.readUInt8(3), body: this.#bytes.subarray(4, 4 + length) }
    this.#bytes = this.#bytes.subarray(4 + length)
    return packet
  }

  get rest(): number {
    return this.#bytes.length
  }
}

export function encodePacket({ sequence, body }: Packet): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head.writeUInt8(sequence & 0xff, 3)
  return Buffer.concat([head, body])
}

/**
 * Reads a packet's body from its start; running over its end is an answer that is not understood.
 */
export class BodyReader {
  #at = 0
  readonly #body: Buffer
  constructor(body: Buffer) {
    this.#body = body
  }

  bytes(count: number): Buffer {
    if (count > this.#body.length - this.#at) throw malformed()
    this.#at += count
    return this.#body.subarray(this.#at - count, this.#at)
  }

  number(count: 1 | 2 | 3 | 4): number {
    return this.bytes(count).readUIntLE(0, count)
  }

  untilZero(): string {
    const end = this.#body.indexOf(0, this.#at)
    if (end < 0) throw malformed()
    const text = this.bytes(end - this.#at).toString("utf8")
    this.bytes(1)
    return text
  }

  /** null is what a row holds for NULL. */
  text(): string | null {
    const first = this.number(1)
    if (first === 0xfb) return null
    return this.bytes(this.#length(first)).toString("utf8")
  }

  count(): number {
    return this.#length(this.number(1))
  }

  #length(first: number): number {
    if (first < 0xfb) return first
    if (first === 0xfc) return this.number(2)
    if (first === 0xfd) return this.number(3)
    throw malformed()
  }
}

export function malformed(): AppError {
  return new AppError("answer-malformed", "the server's answer is not understood")
}
