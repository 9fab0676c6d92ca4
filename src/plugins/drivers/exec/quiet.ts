import { AppError } from "../../../base/error.ts"
import { endMarked } from "../../../base/processes/marked-processes.ts"
import type { ExecTarget } from "./call.ts"

/** What an earlier call leaves to finish by itself before it is ended. */
const leaveMs = 5000

/**
 * Marks under which a call of this process did not end well: a program that it began may have left
 * its session.
 */
const unsure = new Set<string>()

/**
 * Whether anything that we began may still be under way: a program, or, after its end, what it
 * asked of the service.
 */
export class SettledWatch {
  readonly #target: ExecTarget
  /**
   * Since when none of our programs runs; undefined: not known, for an earlier process may have been
   * killed in a call.
   */
  #since: number | undefined
  /** No program of an earlier run lives: there was none, or it is ended. */
  #alone: boolean

  constructor(target: ExecTarget) {
    this.#target = target
    this.#alone = target.run.earlier === undefined
  }

  /**
   * Makes a call that changes something: never two at once. One that ends well leaves nothing under
   * way.
   */
  async act<Result>(signal: AbortSignal, make: () => Promise<Result>): Promise<Result> {
    if (!(await this.#endOthers(signal)))
      throw new AppError(
        "exec-still-running",
        `an earlier call of ${this.#target.program} cannot be ended`,
        { remedy: "retry" },
      )
    const before = this.#since
    this.#since = undefined
    try {
      const result = await make()
      this.#since = before
      return result
    } catch (error) {
      unsure.add(this.#target.mark)
      this.#since = this.#now()
      throw error
    }
  }

  /**
   * Ends what runs, then waits until `settleMs` have passed since. False if the deadline comes
   * first; the next call waits for the rest.
   */
  async settle(settleMs: number, signal: AbortSignal): Promise<boolean> {
    if (!(await this.#endOthers(signal))) return false
    this.#since ??= this.#now()
    const rest = this.#since + settleMs - this.#now()
    if (rest > 0) await this.#target.context.host.pause(rest, signal)
    return !signal.aborted
  }

  /** Looks at no process where none can be left: programs may be cut off meanwhile. */
  async #endOthers(signal: AbortSignal): Promise<boolean> {
    const { mark, run } = this.#target
    if (this.#alone && !unsure.has(mark)) return true
    const { since } = run.earlier ?? run
    this.#alone = await endMarked(mark, { waitMs: leaveMs, signal, since })
    if (this.#alone) unsure.delete(mark)
    return this.#alone
  }

  #now(): number {
    return this.#target.context.host.monotonicMs()
  }
}
