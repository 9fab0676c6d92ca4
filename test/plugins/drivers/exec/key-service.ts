import { type Server, createServer } from "node:http"

/**
 * A service that holds some passwords a user and nothing else: what the test programs of the exec
 * driver talk to.
 */
export class KeyService implements AsyncDisposable {
  readonly users = new Map<string, readonly string[]>()
  /** The requests that it has carried out, without values. */
  readonly log: string[] = []
  readonly #most: number
  #server: Server | undefined
  #port = 0
  #waiting: (() => void)[] | undefined

  private constructor(most: number) {
    this.#most = most
  }

  /** `most`: how many passwords a user may have. */
  static async start(most: number): Promise<KeyService> {
    const service = new KeyService(most)
    await service.listen()
    return service
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const answer = (): void =>
          void response.end(
            JSON.stringify(this.#do(JSON.parse(Buffer.concat(chunks).toString()) as Order)),
          )
        // As a real server does: what came while it hung is carried out once it goes on, whichever client
        // has left by then.
        if (this.#waiting === undefined) answer()
        else this.#waiting.push(answer)
      })
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve))
    const address = server.address()
    if (address !== null && typeof address === "object") this.#port = address.port
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise((resolve) => this.#server?.close(resolve))
    this.#server = undefined
  }

  hang(): void {
    this.#waiting = []
  }

  async resume(): Promise<void> {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const answer of waiting) answer()
    if (this.#server === undefined) await this.listen()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resume()
    await this.stop()
  }

  #do({ act, user, password, keep }: Order): unknown {
    const held = this.users.get(user) ?? []
    if (act === "verify") return { ok: held.includes(password) }
    this.log.push(`${act} ${user}`)
    if (act === "set")
      this.users.set(user, [
        ...held.filter((one) => one !== password && this.#most > 1 && one === keep),
        password,
      ])
    if (act === "drop")
      this.users.set(
        user,
        held.filter((one) => one !== password),
      )
    return { ok: true }
  }
}

export type Order = {
  readonly act: "verify" | "set" | "drop"
  readonly user: string
  readonly password: string
  readonly keep?: string
}
