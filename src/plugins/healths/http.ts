import type { IncomingMessage } from "node:http"
import { z } from "zod"
import { systemCode } from "../../base/error.ts"
import { deadlineOf } from "../../base/processes/run-time.ts"
import { defineHealth } from "../../core/define.ts"

/**
 * One GET, redirects not followed. node:http, because Bun's fetch goes through HTTP_PROXY, even to
 * loopback, and cannot be told not to.
 */

const message = "expected an address: http://host:port/path or https://…, without user and password"
const Address = z.string(message).refine(isAddress, message)
const Status = z
  .int("expected a status code, 100 to 599")
  .min(100, "expected a status code, 100 to 599")
  .max(599, "expected a status code, 100 to 599")
const Full = z.strictObject({
  url: Address.meta({
    description: "Where to send a GET; redirects are not followed",
    examples: ["http://127.0.0.1:8080/healthz"],
  }),
  status: z
    .union([Status, z.array(Status).min(1, "name at least one status code")], {
      error: "expected a status code, or a list of them",
    })
    .optional()
    .meta({ description: "The good status code, or a list; else 200 to 299", examples: [204] }),
  expect: z
    .string()
    .min(1, "the expected text is empty")
    .optional()
    .meta({
      description: "Text that the first 64 KiB of the body must hold",
      examples: ["ready"],
    }),
})

export const http = defineHealth({
  type: "http",
  summary: "an address answers with a good status",
  options: z
    .union([Address, Full], { error: "expected an address, or { url, status, expect }" })
    .meta({
      examples: ["http://127.0.0.1:8080/healthz", { url: "http://127.0.0.1:8080/", status: 204 }],
    }),
  open: (options) => {
    const { url, status, expect } =
      typeof options === "string" ? { url: options, status: undefined, expect: undefined } : options
    const target = new URL(url)
    const place = `${target.origin}${target.pathname}`
    const good =
      status === undefined ? isSuccess : (code: number): boolean => [status].flat().includes(code)
    return {
      label: `http ${place}`,
      healthy: async (signal) => {
        const answer = await get(target, expect !== undefined, signal)
        if ("failed" in answer) return `${answer.failed} from ${place}`
        if (!good(answer.status)) return `${answer.status} from ${place}`
        return (
          expect === undefined ||
          answer.body.includes(expect) ||
          `${answer.status} without the expected text from ${place}`
        )
      },
    }
  },
})

const tryMs = 5000
/** How many interim answers (1xx) are read before the answer. */
const wordsMost = 16
const bodyBytes = 64 * 1024

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return ["http:", "https:"].includes(url.protocol) && url.username === "" && url.password === ""
}

function isSuccess(code: number): boolean {
  return code >= 200 && code <= 299
}

type Answer = { readonly status: number; readonly body: string } | { readonly failed: string }

async function get(url: URL, wantsBody: boolean, outer: AbortSignal): Promise<Answer> {
  const { signal, end } = deadlineOf(tryMs, outer)
  // Loaded when it is needed: it would cost every start some milliseconds.
  const { request: send } = await (url.protocol === "https:"
    ? import("node:https")
    : import("node:http"))
  return new Promise<Answer>((resolve) => {
    const fail = (error: unknown): void => resolve({ failed: wordOf(systemCode(error)) })
    if (signal.aborted) return resolve({ failed: "no answer" })
    const request = send(url, {
      method: "GET",
      agent: false,
      headers: { "user-agent": "mycelium", "accept-encoding": "identity" },
    })
    const stop = (): void => {
      resolve({ failed: "no answer" })
      request.destroy()
    }
    signal.addEventListener("abort", stop)
    request.on("close", () => signal.removeEventListener("abort", stop))
    request.on("error", fail)
    // "Go on", "early hints": nothing of a body, and no end to them.
    let words = 0
    for (const event of ["continue", "information"])
      request.on(event, () => (++words > wordsMost ? stop() : undefined))
    request.on("response", (response) => {
      void bodyOf(response, wantsBody).then((body) => {
        resolve({ status: response.statusCode ?? 0, body })
        request.destroy()
      }, fail)
    })
    request.end()
  }).finally(end)
}

async function bodyOf(response: IncomingMessage, wanted: boolean): Promise<string> {
  if (!wanted) return ""
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue
    chunks.push(chunk)
    size += chunk.length
    if (size >= bodyBytes) break
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, bodyBytes))
}

/** Our own words: a library's message may quote the address. */
function wordOf(code: string | undefined): string {
  if (code === "ECONNREFUSED") return "connection refused"
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "DNS_ENOTFOUND")
    return "no such host: no answer"
  if (code !== undefined && /CERT|TLS|SSL|SELF_SIGNED|ISSUER/.test(code))
    return "a certificate that is not trusted"
  return "no answer"
}
