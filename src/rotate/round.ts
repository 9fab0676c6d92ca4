import { pauseFor } from "../base/deadline.ts"
import { AppError, describeError } from "../base/error.ts"
import { atService } from "./at-service.ts"
import type { Session } from "./session.ts"

/** No look takes longer (ms). */
const briefMs = 1500
/**
 * A server is silent once no server has answered for `leastMs`, or for `times` the slowest answer
 * so far.
 */
const quiet = { leastMs: 500, times: 4 } as const

type PendingAct = {
  readonly server: string
  readonly began: number
  readonly waiting: AbortController
}

/** In an incident a silent server is not waited for: the others go on, and come back to it. */
export class Round {
  readonly #session: Session
  readonly #silent = new Set<string>()
  /** When (monotonic ms) each server last gave an answer. */
  readonly #answered = new Map<string, number>()
  readonly #looks = new Set<PendingAct>()
  #slowestMs = 0
  #counting = new AbortController()

  constructor(session: Session) {
    this.#session = session
  }

  /** One act at the service of `name`, which has its turn first. */
  async attempt<T>(name: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const server = this.#session.work.serverOf(name)
    if (server === undefined) return atService(this.#session, name, briefMs, act)
    const waiting = new AbortController()
    let pending: PendingAct | undefined
    try {
      const result = await atService(
        this.#session,
        name,
        { ms: briefMs, waiting: waiting.signal },
        (signal) => {
          if (this.#silent.has(server)) throw noAnswer()
          pending = { server, began: this.#now(), waiting }
          this.#looks.add(pending)
          return act(signal)
        },
      )
      if (pending !== undefined) this.#came(pending)
      return result
    } catch (error) {
      if (waiting.signal.aborted) throw noAnswer()
      if (pending !== undefined && describeError(error).code === "timeout") this.#giveUp(pending)
      throw error
    } finally {
      if (pending !== undefined) this.#looks.delete(pending)
    }
  }

  end(): void {
    this.#counting.abort()
  }

  #now(): number {
    return this.#session.work.host.monotonicMs()
  }
  #came({ server, began }: PendingAct): void {
    const now = this.#now()
    this.#answered.set(server, now)
    this.#slowestMs = Math.max(this.#slowestMs, now - began)
    this.#counting.abort()
    this.#counting = new AbortController()
    void this.#countDown(now, this.#counting.signal)
  }
  async #countDown(since: number, signal: AbortSignal): Promise<void> {
    await pauseFor(
      this.#session.work.host,
      Math.max(quiet.leastMs, quiet.times * this.#slowestMs),
      signal,
    )
    if (signal.aborted) return
    for (const pending of this.#looks) if (pending.began <= since) this.#giveUp(pending)
  }
  /** A server that meanwhile answered about another secret is not silent, but slow. */
  #giveUp({ server, began, waiting }: PendingAct): void {
    if ((this.#answered.get(server) ?? -1) >= began) return
    this.#silent.add(server)
    waiting.abort()
  }
}

function noAnswer(): AppError {
  return new AppError("no-answer", "its server gives no answer", { remedy: "retry" })
}
