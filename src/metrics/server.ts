import { type Server, type Socket, createServer } from "node:net"
import { type Refusal, type Request, longestHead, requestOf } from "./request.ts"

/**
 * As little of HTTP as a scrape needs, so that each of its limits is in sight: one request a
 * connection, a head of 8 KiB, no body, a deadline for all of it, and few connections at once. A
 * process that may open only so many files has them for its rotations.
 */

export type Answer = {
  readonly status: number
  readonly type?: string
  readonly body: string | AsyncIterable<string>
}
export type AnswerTo = (path: string) => Answer | Promise<Answer>

const mostConnections = 16
/** From the first byte to the last one that is taken. */
const withinMs = 10_000

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
}

export class ScrapeServer {
  readonly server: Server
  readonly #open = new Set<Socket>()

  constructor(answerTo: AnswerTo, { isPort }: { readonly isPort: boolean }) {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      if (this.#open.size >= mostConnections) return void socket.destroy()
      this.#open.add(socket)
      const late = setTimeout(() => socket.destroy(), withinMs)
      socket.on("close", () => {
        clearTimeout(late)
        this.#open.delete(socket)
      })
      // Whoever asked has gone: there is nothing to do.
      socket.on("error", () => socket.destroy())
      serve(socket, answerTo, isPort).catch(() => socket.destroy())
    })
  }

  close(): void {
    this.server.close()
    for (const socket of this.#open) socket.destroy()
  }
}

async function serve(socket: Socket, answerTo: AnswerTo, isPort: boolean): Promise<void> {
  const head = await headOf(socket)
  if (head === undefined) return void socket.destroy()
  const asked: Request | Refusal =
    head === "too long" ? { status: 431, why: "8 KiB at most" } : requestOf(head, { isPort })
  if ("status" in asked)
    return write(socket, { status: asked.status, body: `${asked.why}\n` }, plain)
  const answer = await Promise.resolve(asked.path)
    .then(answerTo)
    .catch((): Answer => ({ status: 500, body: "an unexpected error\n" }))
  await write(socket, answer, asked)
}

const plain = { method: "GET", takesChunks: false } as const

/** Up to the empty line; undefined: it went before. */
function headOf(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = ""
    socket.on("data", (bytes: Buffer) => {
      // What follows the head is not looked at.
      if (text.length > longestHead) return
      text += bytes.toString("latin1")
      const end = text.indexOf("\r\n\r\n")
      if (end !== -1 && end <= longestHead) resolve(text.slice(0, end))
      else if (text.length > longestHead) resolve("too long")
    })
    socket.on("end", () => resolve(undefined))
    socket.on("close", () => resolve(undefined))
  })
}

async function write(
  socket: Socket,
  { status, type = "text/plain; charset=utf-8", body }: Answer,
  { method, takesChunks }: Pick<Request, "method" | "takesChunks">,
): Promise<void> {
  const whole = typeof body === "string" ? Buffer.from(body) : undefined
  const chunks = whole === undefined && takesChunks
  const lines = [
    `HTTP/1.1 ${status} ${reasons[status] ?? ""}`,
    `Content-Type: ${type}`,
    ...(whole === undefined ? [] : [`Content-Length: ${whole.length}`]),
    ...(chunks ? ["Transfer-Encoding: chunked"] : []),
    ...(status === 405 ? ["Allow: GET, HEAD"] : []),
    "Cache-Control: no-store",
    "Cross-Origin-Resource-Policy: same-origin",
    "X-Content-Type-Options: nosniff",
    "Connection: close",
  ]
  await push(socket, `${lines.join("\r\n")}\r\n\r\n`)
  if (method === "GET" && whole !== undefined) await push(socket, whole)
  if (method === "GET" && typeof body !== "string") await pushPieces(socket, body, chunks)
  socket.end()
}

async function pushPieces(
  socket: Socket,
  pieces: AsyncIterable<string>,
  chunks: boolean,
): Promise<void> {
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece)
    if (bytes.length === 0) continue
    if (chunks) await push(socket, `${bytes.length.toString(16)}\r\n`)
    await push(socket, bytes)
    if (chunks) await push(socket, "\r\n")
  }
  if (chunks) await push(socket, "0\r\n\r\n")
}

/** The next piece is made when this one has gone, so that a slow reader costs no memory. */
async function push(socket: Socket, bytes: string | Buffer): Promise<void> {
  if (socket.destroyed) throw new Error("gone")
  if (socket.write(bytes)) return
  await new Promise<void>((resolve, reject) => {
    socket.once("drain", resolve)
    socket.once("close", () => reject(new Error("gone")))
  })
}
