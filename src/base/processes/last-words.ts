import { formatDuration } from "../text/duration.ts"
/**
 * By environment: what a person must know if this process ended now. It is said synchronously, if
 * the process ends in the middle. A process ends once, so there is one such place.
 */
export type LastWords = {
  /** Sentences; never a value. */
  readonly lines: readonly string[]
  /** What finishes each rotation that is left open: `next`, or what must come first. */
  readonly hints: (next: string) => readonly string[]
  /** A program or a file is left with a value that no longer works. */
  readonly cutOff: boolean
}

/**
 * How long (ms) it may take to end after the first request to stop: less than the 90 s after which
 * systemd kills by default.
 */
export const stopWithinMs = 80_000
/** What a person is told at the first request. */
export const endsAtOnce = `a second Ctrl-C or SIGTERM, or ${formatDuration(stopWithinMs)}, ends at once`

let again: string | undefined

/** The command that finishes this run, to the word, where it is not the one that was given. */
export function setAgain(command: string): void {
  again = command
}

/** What a person does after a run that was interrupted. */
export function sayAgain(): string {
  return again === undefined
    ? "run the same command again: it finishes what was begun"
    : `this finishes what was begun: ${again}`
}

const standings = new Map<string, () => LastWords>()

/** `now` left out: nothing of it is left open. */
export function setLastWords(environment: string, now?: () => LastWords): void {
  if (now === undefined) standings.delete(environment)
  else standings.set(environment, now)
}

export function lastWords(): LastWords {
  const all = [...standings.values()].map((now) => now())
  return {
    lines: all.flatMap(({ lines }) => lines),
    hints: (next) => [...new Set(all.flatMap(({ hints }) => hints(next)))],
    cutOff: all.some(({ cutOff }) => cutOff),
  }
}
