import { isWorkedOn } from "../check/worked-on.ts"
import type { Config } from "../config/model.ts"
import { harmOf, sayJournal } from "../core/held-up.ts"
import { type StateDocument } from "../core/state.ts"
import { openSets } from "../core/change-set.ts"

/** Rotations of an environment that are not finished, in words for a person. */
export function openJournals(
  config: Config,
  environment: string,
  document: StateDocument | undefined,
): readonly string[] {
  const open = openSets(document)
  const isAtWork = open.length > 0 && isWorkedOn(config, environment)
  return open.map((set) =>
    [
      `a rotation of ${set.startedAt.slice(0, 19)}Z is not finished: ${sayJournal(environment, set)}`,
      // While a rotation is at work, its programs hold a value that no longer works for a moment.
      ...(isAtWork ? ["a mycelium is at work on it"] : harmOf(environment, set)),
    ].join("; "),
  )
}
