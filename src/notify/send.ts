import type { IncomingMessage } from "node:http"
import { AppError, systemCode } from "../base/error.ts"
import { deadlineOf } from "../base/processes/run-time.ts"

/** One request to a receiver: its address is a credential, so no error repeats it. */

export type Request = {
  readonly url: string
  readonly method: "GET" | "POST"
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}
/** `retryAfterMs`: how long the receiver asks to be left alone. */
export type Answer = { readonly status: number; readonly retryAfterMs?: number }

/** How long one receiver has to answer. */
export const longestMs = 10_000
export const noAnswer = "no answer within 10s"
const longestPauseMs = 3_600_000

/**
 * node:http, because Bun's fetch goes through HTTP_PROXY and cannot be told not to. Redirects are not
 * followed. Throws `notice-failed` if there is no answer.
 */
export async function send(
  { url, method, body, headers = {} }: Request,
  outer: AbortSignal,
): Promise<Answer> {
  const target = addressOf(url)
  const { request } = await (target.protocol === "https:"
    ? import("node:https")
    : import("node:http"))
  const { signal, end } = deadlineOf(longestMs, outer)
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const fail = (why: string): void => reject(failed(why))
      if (signal.aborted) return fail(noAnswer)
      const sent = request(target, {
        method,
        agent: false,
        headers: {
          "user-agent": "mycelium",
          ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
          ...headers,
        },
      })
      const stop = (): void => {
        fail(noAnswer)
        sent.destroy()
      }
      signal.addEventListener("abort", stop)
      sent.on("close", () => signal.removeEventListener("abort", stop))
      sent.on("error", (error: unknown) => fail(wordOf(systemCode(error))))
      sent.on("response", (response) => {
        resolve(answerOf(response))
        sent.destroy()
      })
      sent.end(body)
    })
  } finally {
    end()
  }
}

function addressOf(text: string): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined
  if (url === undefined || !["http:", "https:"].includes(url.protocol))
    throw new AppError("notice-address", "what its reference holds is no address", {
      hint: "put an address into it that begins with https:// or http://",
    })
  return url
}

function answerOf({ statusCode = 0, headers }: IncomingMessage): Answer {
  const asked = Number(headers["retry-after"])
  return Number.isFinite(asked) && asked > 0
    ? { status: statusCode, retryAfterMs: Math.min(asked * 1000, longestPauseMs) }
    : { status: statusCode }
}

function failed(why: string): AppError {
  return new AppError("notice-failed", why, { remedy: "retry" })
}

/** By the code of a socket that failed. */
export function wordOf(code: string | undefined): string {
  if (code === "ECONNREFUSED") return "connection refused"
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "DNS_ENOTFOUND")
    return "its host is not known"
  if (code !== undefined && /CERT|TLS|SSL|SELF_SIGNED|ISSUER|VERIFY/.test(code))
    return "a certificate that is not trusted"
  return "no answer"
}
