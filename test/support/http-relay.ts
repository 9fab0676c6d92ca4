import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** What passed: "POST /v1/secret/data/shop/db 200". */
export type Passed = {
  readonly method: string
  readonly path: string
  readonly status: number
  /** The operation, where a header names it as AWS's clients do: "GetSecretValue". */
  readonly target?: string
}

/** Between a program and an HTTP server of this machine: counts what is asked, and can lose answers. */
export class HttpRelay implements AsyncDisposable {
  readonly passed: Passed[] = []
  /** The server has done what this request asked, and its answer does not come back. */
  loses: (request: Omit<Passed, "status">) => boolean = () => false
  /** Is not forwarded; this is the answer. */
  answers: (
    request: Omit<Passed, "status">,
  ) =>
    | { readonly status: number; readonly headers?: Record<string, string>; readonly body: string }
    | undefined = () => undefined
  readonly #target: number
  readonly #server = createServer((asked, answer) => this.#relay(asked, answer))

  private constructor(target: number) {
    this.#target = target
  }

  static async to(port: number): Promise<HttpRelay> {
    const relay = new HttpRelay(port)
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve))
    return relay
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  #relay(asked: IncomingMessage, answer: ServerResponse): void {
    const target = asked.headers["x-amz-target"]
    const one = {
      method: asked.method ?? "",
      path: asked.url ?? "",
      ...(typeof target === "string" ? { target: target.replace(/^.*\./, "") } : {}),
    }
    const own = this.answers(one)
    if (own !== undefined) {
      this.passed.push({ ...one, status: own.status })
      answer.writeHead(own.status, {
        "content-length": Buffer.byteLength(own.body),
        ...own.headers,
      })
      answer.end(own.body)
      return
    }
    const onward = request(
      {
        host: "127.0.0.1",
        port: this.#target,
        method: one.method,
        path: one.path,
        headers: asked.headers,
        agent: false,
      },
      (said) => {
        const parts: Buffer[] = []
        said.on("data", (part: Buffer) => parts.push(part))
        said.on("end", () => {
          const { statusCode: status = 0 } = said
          this.passed.push({ ...one, status })
          if (this.loses(one)) return void asked.socket.destroy()
          const { "transfer-encoding": _, connection: _closes, ...headers } = said.headers
          const body = Buffer.concat(parts)
          answer.writeHead(status, {
            ...headers,
            ...(status === 204 ? {} : { "content-length": body.length }),
          })
          answer.end(body)
        })
      },
    )
    onward.on("error", () => asked.socket.destroy())
    asked.pipe(onward)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
