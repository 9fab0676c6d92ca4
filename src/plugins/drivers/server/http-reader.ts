import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type { MessageReader } from "./channel.ts"

/** Answers of HTTP/1.1 (RFC 9112), as far as a management API gives them. */

/**
 * `date`: the server's clock, as HTTP writes it; left out where it does not say. `retryAfter`,
 * `challenge` (how it wants to be logged in to): as the server said it.
 */
export type HttpAnswer = {
  readonly status: number
  readonly body: string
  readonly date?: string
  readonly retryAfter?: string
  readonly challenge?: string
}

/** Of the status line and all headers. */
const longestHead = 64 * 1024
/** Of a line with the size of a chunk, extensions included. */
const longestSize = 1024
/** An answer in single bytes costs more than its length. */
const mostChunks = 65_536

type Head = { readonly status: number; readonly headers: Headers }
/** What comes next of a body: so many bytes of data, the size of a chunk, or the end of one. */
type Next = { readonly is: "data"; left: number } | { readonly is: "size" | "end" | "last" }

/**
 * Cuts a byte stream into answers. One whose end is only the end of the connection has none. Each
 * byte is looked at once, however it arrives.
 */
export class HttpReader implements MessageReader<HttpAnswer> {
  /** The most bytes of an answer; more are refused. */
  most = Number.POSITIVE_INFINITY
  /** Not yet taken into `#head` or `#parts`. */
  #bytes: Buffer = Buffer.alloc(0)
  #head: Head | undefined
  #next: Next = { is: "size" }
  #isChunked = false
  #parts: Buffer[] = []
  #chunks = 0
  /** Bytes of this answer that were taken. */
  #taken = 0

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
  }

  next(): HttpAnswer | undefined {
    for (;;) {
      if (this.rest > this.most) throw malformed()
      this.#head ??= this.#takeHead()
      if (this.#head === undefined) return undefined
      const { status, headers } = this.#head
      if (!this.#takeBody()) return undefined
      const body = Buffer.concat(this.#parts).toString("utf8")
      this.#begin()
      // 1xx: go on, early hints.
      if (status >= 200)
        return {
          status,
          body,
          ...present({
            date: headers.get("date"),
            retryAfter: headers.get("retry-after"),
            challenge: headers.get("www-authenticate"),
          }),
        }
    }
  }

  get rest(): number {
    return this.#taken + this.#bytes.length
  }

  #begin(): void {
    this.#head = undefined
    this.#parts = []
    this.#chunks = 0
    this.#taken = 0
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    this.#taken += taken.length
    return taken
  }

  #takeHead(): Head | undefined {
    const end = this.#bytes.indexOf("\r\n\r\n")
    if (end > longestHead || (end < 0 && this.#bytes.length > longestHead)) throw malformed()
    if (end < 0) {
      if (!couldBeHttp(this.#bytes)) throw malformed()
      return undefined
    }
    const head = readHead(this.#take(end + 4).toString("latin1", 0, end))
    this.#next = bodyOf(head)
    this.#isChunked = this.#next.is === "size"
    return head
  }

  /** False while it is not there in full. */
  #takeBody(): boolean {
    for (;;) {
      const next = this.#next
      if (next.is === "data") {
        if (next.left > 0 && this.#bytes.length === 0) return false
        if (next.left > 0) {
          const part = this.#take(Math.min(next.left, this.#bytes.length))
          this.#parts.push(part)
          next.left -= part.length
          if (next.left > 0) return false
        }
        if (!this.#isChunked) return true
        this.#next = { is: "end" }
      } else if (next.is === "size") {
        const size = this.#takeSize()
        if (size === undefined) return false
        // Trailers are not asked for, so the last chunk ends the body.
        this.#next = size === 0 ? { is: "last" } : { is: "data", left: size }
      } else {
        if (this.#bytes.length < 2) return false
        if (this.#take(2).toString("latin1") !== "\r\n") throw malformed()
        if (next.is === "last") return true
        this.#next = { is: "size" }
      }
    }
  }

  #takeSize(): number | undefined {
    const end = this.#bytes.indexOf("\r\n")
    if (end > longestSize || (end < 0 && this.#bytes.length > longestSize)) throw malformed()
    if (end < 0) return undefined
    const line = this.#take(end + 2).toString("latin1", 0, end)
    const size = /^([0-9a-f]{1,7})(;|$)/i.exec(line)?.[1]
    if (size === undefined || ++this.#chunks > mostChunks) throw malformed()
    return Number.parseInt(size, 16)
  }
}

function couldBeHttp(bytes: Buffer): boolean {
  const begins = "HTTP/1."
  return begins.startsWith(bytes.toString("latin1", 0, begins.length))
}

type Headers = ReadonlyMap<string, string>

function readHead(text: string): { readonly status: number; readonly headers: Headers } {
  const [line = "", ...lines] = text.split("\r\n")
  const status = Number(/^HTTP\/1\.[01] ([1-5]\d\d)( |$)/.exec(line)?.[1])
  if (Number.isNaN(status)) throw malformed()
  const headers = lines.map((one): [string, string] => {
    const colon = one.indexOf(":")
    if (colon < 1) throw malformed()
    return [one.slice(0, colon).toLowerCase(), one.slice(colon + 1).trim()]
  })
  return { status, headers: new Map(headers) }
}

function bodyOf({ status, headers }: Head): Next {
  if (status < 200 || status === 204 || status === 304) return { is: "data", left: 0 }
  const coding = headers.get("transfer-encoding")
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw malformed()
    return { is: "size" }
  }
  const said = headers.get("content-length") ?? ""
  if (!/^\d{1,9}$/.test(said)) throw malformed()
  return { is: "data", left: Number(said) }
}

function malformed(): AppError {
  return new AppError("answer-malformed", "what answers does not speak HTTP/1.1 as expected")
}
