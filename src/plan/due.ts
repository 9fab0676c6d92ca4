import { longestWaitMs } from "../core/instants.ts"
import type { Due } from "../core/due.ts"
import { type Retry, type SecretState, isUndated } from "../core/state.ts"
import type { Schedule } from "./schedule.ts"

/**
 * When a secret is due by its state. A weak value, and one of unknown age, is due at the first tick
 * after it was taken over.
 */
export function nextDue(
  schedule: Schedule,
  state: Pick<SecretState, "rotatedAt" | "weak" | "undated" | "versions">,
  everyMs: number,
): Date | undefined {
  if (state.rotatedAt === undefined) return undefined
  const rotatedAt = new Date(state.rotatedAt)
  return causeOf(state) === "age" ? dueAt(schedule, rotatedAt, everyMs) : schedule.next(rotatedAt)
}

/** What makes it due at that time; see `nextDue`. */
export function causeOf(state: Pick<SecretState, "weak" | "undated" | "versions">): Due["by"] {
  if (state.weak === true) return "weak"
  return isUndated(state) ? "undated" : "age"
}

/**
 * When a secret that is due at `at` is tried after an attempt that failed: not before it is due, even
 * if a person made that attempt.
 */
export function nextTry(at: number, retry: Retry | undefined, now: Date): number {
  const retryAt = retry === undefined ? at : Date.parse(retry.notBefore)
  // No wait is that long: the note was made while the clock ran ahead.
  return retryAt > now.getTime() + longestWaitMs ? at : Math.max(at, retryAt)
}

/**
 * When a secret that was rotated at `rotatedAt` must be rotated again, so that it never gets older
 * than `everyMs`: at the last tick that is not after that age. If there is none (a day has an hour more
 * when clocks go back), at the next tick.
 */
export function dueAt(schedule: Schedule, rotatedAt: Date, everyMs: number): Date | undefined {
  const oldest = new Date(rotatedAt.getTime() + everyMs)
  // A tick at that very instant still counts: "before" is asked one second later, for ticks are
  // whole seconds.
  const last = schedule.previous(new Date(Math.floor(oldest.getTime() / 1000) * 1000 + 1000))
  return last !== undefined && last.getTime() > rotatedAt.getTime()
    ? last
    : schedule.next(rotatedAt)
}
