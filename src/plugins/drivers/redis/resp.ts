import { AppError } from "../../../base/error.ts"
import { tooLarge } from "../server/channel.ts"
import { readRefusal, type Refusal } from "./fault.ts"

/**
 * RESP2, the protocol of Redis (redis.io, "Redis serialization protocol"): bytes in, replies out.
 * Nothing of it stays.
 */

export type Reply = string | number | null | Refusal | readonly Reply[]

/** CLIENT LIST has some 300 bytes a client, and a server may have many thousands. */
const largest = 64 * 1024 * 1024
const longestLine = 64 * 1024
const deepest = 8
/**
 * Of one reply, inner ones too: a list that is not there in full is read again with each piece that
 * comes. The longest that we ask for is a user's passwords.
 */
const mostElements = 100_000

/** A command as a list of lengths and bytes: nothing in an argument can end it. */
export function encodeCommand(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`)
}

/** Cuts a byte stream into replies. */
export class ReplyReader {
  #chunks: Buffer[] = []
  #length = 0
  /**
   * With fewer bytes than that it is not worth trying again: a long reply in many pieces is joined
   * once.
   */
  #need = 1

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length > largest) throw tooLarge()
  }

  /** The next reply; undefined while it is not there in full. */
  next(): Reply | undefined {
    if (this.#length < this.#need) return undefined
    const bytes =
      this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks)
    const parsed = parse(bytes, 0, { depth: 0, left: { elements: mostElements } })
    const rest = "need" in parsed ? bytes : bytes.subarray(parsed.end)
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
    this.#need = "need" in parsed ? parsed.need : 1
    return "need" in parsed ? undefined : parsed.reply
  }

  get rest(): number {
    return this.#length
  }
}

type Parsed = { readonly reply: Reply; readonly end: number } | { readonly need: number }

type Within = { readonly depth: number; readonly left: { elements: number } }

function parse(bytes: Buffer, at: number, within: Within): Parsed {
  const stop = bytes.indexOf("\r\n", at)
  if (stop < 0) return bytes.length - at > longestLine ? bad() : { need: bytes.length + 1 }
  const line = bytes.toString("utf8", at + 1, stop)
  const end = stop + 2
  switch (bytes.toString("latin1", at, at + 1)) {
    case "+":
      return { reply: line, end }
    case "-":
      return { reply: readRefusal(line), end }
    case ":":
      return { reply: integer(line), end }
    case "$":
      return bulk(bytes, end, integer(line))
    case "*":
      return array(bytes, end, integer(line), within)
    default:
      return bad()
  }
}

function bulk(bytes: Buffer, at: number, length: number): Parsed {
  if (length === -1) return { reply: null, end: at }
  if (length < 0 || length > largest) return bad()
  const end = at + length + 2
  if (bytes.length < end) return { need: end }
  if (bytes.toString("latin1", end - 2, end) !== "\r\n") return bad()
  return { reply: bytes.toString("utf8", at, end - 2), end }
}

function array(bytes: Buffer, at: number, length: number, { depth, left }: Within): Parsed {
  if (length === -1) return { reply: null, end: at }
  if (length < 0 || depth >= deepest) return bad()
  left.elements -= length
  if (left.elements < 0) throw tooLarge()
  const replies: Reply[] = []
  let end = at
  while (replies.length < length) {
    const parsed = parse(bytes, end, { depth: depth + 1, left })
    if ("need" in parsed) return parsed
    replies.push(parsed.reply)
    end = parsed.end
  }
  return { reply: replies, end }
}

function integer(text: string): number {
  if (!/^[+-]?\d{1,19}$/.test(text)) return bad()
  return Number(text)
}

function bad(): never {
  throw new AppError("answer-malformed", "what answers does not speak the protocol of Redis")
}
