import { patience } from "../base/deadline.ts"
import { AppError } from "../base/error.ts"
import { atService, said } from "./ask.ts"
import type { Session } from "./session.ts"

/** No look takes longer (ms). */
const briefMs = 1500
/**
 * Once nobody has answered for so long (ms), or so many times as long as the slowest took that did,
 * who is still asked is silent.
 */
const quiet = { leastMs: 500, times: 4 } as const

type Look = { readonly server: string; readonly began: number; readonly patience: AbortController }

/** In an incident a silent server is not waited for: the others go on, and come back to it. */
export class Round {
  readonly #session: Session
  readonly #silent = new Set<string>()
  /** When (monotonic ms) each server last gave an answer. */
  readonly #answered = new Map<string, number>()
  readonly #looks = new Set<Look>()
  #slowestMs = 0
  #counting = new AbortController()

  constructor(session: Session) {
    this.#session = session
  }

  /** One act at the service of `name`, which has its turn first. */
  async look<T>(name: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const server = this.#session.work.serverOf(name)
    if (server === undefined) return atService(this.#session, name, briefMs, act)
    const patience = new AbortController()
    let look: Look | undefined
    try {
      const result = await atService(
        this.#session,
        name,
        briefMs,
        (signal) => {
          if (this.#silent.has(server)) throw noAnswer()
          look = { server, began: this.#now(), patience }
          this.#looks.add(look)
          return act(signal)
        },
        patience.signal,
      )
      if (look !== undefined) this.#came(look)
      return result
    } catch (error) {
      if (patience.signal.aborted) throw noAnswer()
      if (look !== undefined && said(error).code === "timeout") this.#giveUp(look)
      throw error
    } finally {
      if (look !== undefined) this.#looks.delete(look)
    }
  }

  end(): void {
    this.#counting.abort()
  }

  #now(): number {
    return this.#session.work.host.monotonicMs()
  }
  #came({ server, began }: Look): void {
    const now = this.#now()
    this.#answered.set(server, now)
    this.#slowestMs = Math.max(this.#slowestMs, now - began)
    this.#counting.abort()
    this.#counting = new AbortController()
    void this.#countDown(now, this.#counting.signal)
  }
  async #countDown(since: number, signal: AbortSignal): Promise<void> {
    await patience(
      this.#session.work.host,
      Math.max(quiet.leastMs, quiet.times * this.#slowestMs),
      signal,
    )
    if (signal.aborted) return
    for (const look of this.#looks) if (look.began <= since) this.#giveUp(look)
  }
  /** A server that meanwhile answered about another secret is not silent, but slow. */
  #giveUp({ server, began, patience }: Look): void {
    if ((this.#answered.get(server) ?? -1) >= began) return
    this.#silent.add(server)
    patience.abort()
  }
}

function noAnswer(): AppError {
  return new AppError("no-answer", "its server gives no answer", { remedy: "retry" })
}
