import { AppError } from "../base/error.ts"
import { type ChangeSet, openSets } from "../core/change-set.ts"
import type { Session } from "./session.ts"

/** A person has looked: nothing of an earlier run lives any more. */
export async function declareOver(session: Session): Promise<void> {
  const sets = placedSets(session)
  await session.commit({
    leaves: sets.map(({ id }) => id),
    acting: null,
    events: [declared],
    flush: true,
  })
}

/**
 * The same where a state is not written before its services have answered: the write that takes it
 * says so.
 */
export function assumeOver(session: Session): void {
  placedSets(session)
  session.noteOver()
  session.queueEvent(declared)
}

const declared = { event: "declared-over", code: "other-namespace" } as const

function placedSets({ document, work }: Session): readonly ChangeSet[] {
  const sets = openSets(document).filter(({ ranIn }) => ranIn !== undefined)
  if (sets.length === 0 && document.acting === undefined)
    throw new AppError(
      "usage",
      `nothing of ${work.environment} may still run: --nothing-runs says nothing here`,
      { hint: "leave it out" },
    )
  return sets
}
