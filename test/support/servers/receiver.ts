/** A real HTTP server that keeps what is sent to it. */
export class ReceiverServer implements AsyncDisposable {
  readonly bodies: Record<string, unknown>[] = []
  /** In the place of 204. */
  answers: (() => Response) | undefined
  readonly #server: ReturnType<typeof Bun.serve>

  readonly #scheme: string

  /** `tls`: its certificate and key; clear text if left out. */
  constructor(tls?: { readonly certificate: string; readonly key: string }) {
    this.#scheme = tls === undefined ? "http" : "https"
    this.#server = Bun.serve({
      ...(tls === undefined ? {} : { tls: { cert: tls.certificate, key: tls.key } }),
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        const text = await request.text()
        this.bodies.push(
          text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : { text },
        )
        return this.answers?.() ?? new Response(null, { status: 204 })
      },
    })
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#server.port}/hook-${"x".repeat(8)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true)
  }
}

export async function startReceiver(
  ...tls: ConstructorParameters<typeof ReceiverServer>
): Promise<ReceiverServer> {
  return new ReceiverServer(...tls)
}
