import type { Host } from "../../../base/system/host.ts"

/**
 * How long (ms) the server may take, once it answers, to carry out what a killed run has sent. It
 * drops a request whose connection has ended, unless its process is at work on it already.
 *
 * Measured at RabbitMQ 3.10.8 on two cores with a load of 15: 380 changes of a password whose
 * connection was reset 0 to 10 ms after they were sent, at a server that had nothing else to do, was
 * stopped (SIGSTOP) meanwhile, or answered 40 other clients. It carried out 262 of them, the latest
 * 145 ms after its next answer to another connection.
 */
export const settleMs = 2000

/** Whether a change that we sent may still be under way: an API shows no such thing, so time tells. */
export class SettledWatch {
  readonly #host: Host
  /** Since when the server answers, and nothing is sent that is not answered; undefined: not known. */
  #since: number | undefined

  constructor(host: Host) {
    this.#host = host
  }

  /** Makes a change. One that fails may still land. */
  async act<Result>(change: () => Promise<Result>): Promise<Result> {
    const before = this.#since
    this.#since = undefined
    const result = await change()
    this.#since = before
    return result
  }

  /** A server that hangs has still to read what it was sent; `ask` resolves once it answers. */
  async settle(ask: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> {
    if (this.#since === undefined) {
      await ask()
      this.#since = this.#host.monotonicMs()
    }
    const rest = this.#since + settleMs - this.#host.monotonicMs()
    if (rest > 0) await this.#host.pause(rest, signal)
    return !signal.aborted
  }
}
