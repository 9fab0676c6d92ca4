import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type { MessageReader } from "./channel.ts"

/** Answers of HTTP/1.1 (RFC 9112), as far as a management API gives them. */

/**
 * `date`: the server's clock, as HTTP writes it; left out where it does not say. `retryAfter`: as
 * the server said it.
 */
export type HttpAnswer = {
  readonly status: number
  readonly body: string
  readonly date?: string
  readonly retryAfter?: string
}

/** Of the status line and all headers. */
const longestHead = 64 * 1024

/** Cuts a byte stream into answers. One whose end is only the end of the connection has none. */
export class HttpReader implements MessageReader<HttpAnswer> {
  #bytes: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
  }

  next(): HttpAnswer | undefined {
    for (;;) {
      const end = this.#bytes.indexOf("\r\n\r\n")
      if (end < 0) {
        if (this.#bytes.length > longestHead || !couldBeHttp(this.#bytes)) throw malformed()
        return undefined
      }
      const { status, headers } = readHead(this.#bytes.toString("latin1", 0, end))
      const body = readBody(this.#bytes.subarray(end + 4), status, headers)
      if (body === undefined) return undefined
      this.#bytes = this.#bytes.subarray(end + 4 + body.length)
      // 1xx: go on, early hints.
      if (status >= 200)
        return {
          status,
          body: body.text,
          ...present({ date: headers.get("date"), retryAfter: headers.get("retry-after") }),
        }
    }
  }

  get rest(): number {
    return this.#bytes.length
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

/** `length`: of the bytes that it takes. */
type Body = { readonly text: string; readonly length: number }

/** undefined while it is not there in full. */
function readBody(bytes: Buffer, status: number, headers: Headers): Body | undefined {
  if (status < 200 || status === 204 || status === 304) return { text: "", length: 0 }
  const coding = headers.get("transfer-encoding")
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw malformed()
    return readChunks(bytes)
  }
  const said = headers.get("content-length") ?? ""
  if (!/^\d{1,9}$/.test(said)) throw malformed()
  const length = Number(said)
  return bytes.length < length ? undefined : { text: bytes.toString("utf8", 0, length), length }
}

function readChunks(bytes: Buffer): Body | undefined {
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at)
    if (end < 0) return undefined
    const size = /^([0-9a-f]{1,7})(;|$)/i.exec(bytes.toString("latin1", at, end))?.[1]
    if (size === undefined) throw malformed()
    const length = Number.parseInt(size, 16)
    const next = end + 2 + length + 2
    // Trailers are not asked for, so the last chunk ends the body.
    if (bytes.length < next) return undefined
    if (bytes.toString("latin1", next - 2, next) !== "\r\n") throw malformed()
    if (length === 0) return { text: Buffer.concat(parts).toString("utf8"), length: next }
    parts.push(bytes.subarray(end + 2, end + 2 + length))
    at = next
  }
}

function malformed(): AppError {
  return new AppError("answer-malformed", "what answers does not speak HTTP/1.1 as expected")
}
