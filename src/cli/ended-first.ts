import type { App } from "../app/app.ts"
import type { Outcome } from "../rotate/work.ts"
import { type Command, isSet } from "./command.ts"
import { exitCodes } from "./exit-codes.ts"
import { fail } from "./fail.ts"
import { needsPerson, outcomeLines } from "./rotation-report.ts"

type Ended = { readonly environment: string; readonly secret: string; readonly outcome: Outcome }

/**
 * A rotation that was not finished is ended before the act of any command. How it ended may need a
 * person, whatever the act itself comes to.
 */
export class EndedFirst {
  #ended: readonly Ended[] = []

  /** The same app, which tells what it has ended. */
  heard<Of extends App>(app: Of): Of {
    return {
      ...app,
      onEndedFirst: (environment, outcomes) => {
        const more = Object.entries(outcomes)
        this.#ended = [
          ...this.#ended,
          ...more.map(([secret, outcome]) => ({ environment, secret, outcome })),
        ]
      },
    }
  }

  /**
   * Says, once, what a person has to see to and no report shows: `except` names the environments
   * that have one. Returns the exit code of both, that of the act being `code`.
   */
  say(tell: (line: string) => void, code: number, except: readonly string[] = []): number {
    const left = this.#ended.filter(
      ({ environment, outcome }) => !except.includes(environment) && isLeft(outcome),
    )
    this.#ended = []
    for (const { environment, secret, outcome } of left)
      for (const line of outcomeLines(environment, secret, outcome)) tell(line)
    if (left.some(({ outcome }) => needsPerson(outcome))) return exitCodes.person
    return left.length > 0 && code === exitCodes.done ? exitCodes.partly : code
  }
}

/** It has ended, and not well. What has not ended is what these commands end, or say themselves. */
function isLeft(outcome: Outcome): boolean {
  return outcome.kind === "rotated"
    ? outcome.unhealthy !== undefined || outcome.owes !== undefined
    : outcome.kind === "rolled-back" && needsPerson(outcome)
}

/**
 * What the act has ended first is said after it, also if it throws. `beside`: on stderr, as with
 * --json, since stdout belongs to a document or to another program.
 */
export function withEndedFirst(
  actOf: (first: EndedFirst) => Command["run"],
  { beside = false } = {},
): Command["run"] {
  return async (terminal, args, values, after) => {
    const first = new EndedFirst()
    const tell = beside || isSet(values, "json") ? terminal.stderr : terminal.stdout
    try {
      return first.say(tell, await actOf(first)(terminal, args, values, after))
    } catch (error) {
      return first.say(tell, await fail(terminal, error))
    }
  }
}
