import type { App } from "../app/app.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import { describeError } from "../base/error.ts"
import type { Me } from "../check/self-tests/path-stat.ts"
import type { ListenConfig } from "../config/listen.ts"
import { type Health, liveness, readiness } from "./health.ts"
import { type Listener, listenAt, sayAddress } from "./listener.ts"
import type { Observer } from "./observer.ts"
import type { Answer } from "./server.ts"

/** The service's own address: /metrics, /healthz, /readyz. */

type Of = {
  readonly app: Pick<App, "config" | "host">
  readonly me: Me
  readonly observer: Observer
  /** undefined: it listens; else why not. Once a change. */
  readonly onListen: (
    address: string,
    failure: ReturnType<typeof describeError> | undefined,
  ) => void
}

/** An address that is taken is tried again no sooner. */
const tryAgainMs = 30_000
/** Probes that come at once ask the disk once. */
const readyForMs = 1000

export class Endpoint {
  readonly #of: Of
  readonly #listen: ListenConfig
  #listener: Listener | undefined
  #opening: Promise<void> | undefined
  #hasFailed = false
  #isClosed = false
  #triedAt = Number.NEGATIVE_INFINITY
  #roundAt: number
  #ready: { readonly at: number; readonly health: Promise<Health> } | undefined

  constructor(of: Of, listen: ListenConfig) {
    this.#of = of
    this.#listen = listen
    this.#roundAt = of.app.host.monotonicMs()
  }

  /** Never throws: a service that cannot listen rotates on, and tries again. */
  async open(): Promise<void> {
    this.#triedAt = this.#of.app.host.monotonicMs()
    const address = sayAddress(this.#listen)
    try {
      const listener = await listenAt(this.#listen, (path) => this.#answer(path))
      if (this.#isClosed) return listener.close()
      this.#listener = listener
      this.#hasFailed = false
      this.#of.onListen(address, undefined)
    } catch (error) {
      if (!this.#hasFailed && !this.#isClosed) this.#of.onListen(address, describeError(error))
      this.#hasFailed = true
    }
  }

  close(): void {
    this.#isClosed = true
    this.#listener?.close()
    this.#listener = undefined
  }

  readonly round: ServiceEvents["round"] = () => {
    const now = this.#of.app.host.monotonicMs()
    this.#roundAt = now
    if (now - this.#triedAt >= tryAgainMs) void this.openAgain()
  }

  /** If it does not listen. */
  async openAgain(): Promise<void> {
    if (this.#isClosed || this.#listener !== undefined) return
    this.#opening ??= this.open().finally(() => {
      this.#opening = undefined
    })
    await this.#opening
  }

  #answer(path: string): Answer | Promise<Answer> {
    if (path === "/metrics")
      return {
        status: 200,
        type: "text/plain; version=0.0.4; charset=utf-8",
        body: this.#of.observer.text(),
      }
    if (path === "/healthz") return said(liveness(this.#roundAt, this.#of.app))
    if (path === "/readyz") return this.#readiness().then(said)
    return { status: 404, body: "there are /metrics, /healthz and /readyz\n" }
  }

  #readiness(): Promise<Health> {
    const { app, me } = this.#of
    const now = app.host.monotonicMs()
    if (this.#ready === undefined || now - this.#ready.at > readyForMs)
      this.#ready = { at: now, health: readiness(app, me) }
    return this.#ready.health
  }
}

function said({ ok, lines }: Health): Answer {
  return { status: ok ? 200 : 503, body: `${lines.join("\n")}\n` }
}
