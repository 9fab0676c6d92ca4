import { runsMarked, sawEnd } from "../base/processes/live-marks.ts"
import { marksThatRun } from "../base/processes/marked-processes.ts"
import type { Acting } from "../core/run-mark.ts"
import { type ChangeSet, openSets } from "../core/change-set.ts"
import { sinceOf } from "./acting.ts"
import { runIdOf } from "./elsewhere.ts"
import type { Session } from "./session.ts"

type Own = { readonly sets: readonly ChangeSet[]; readonly acts: boolean }

/** What the state says to be at work where this run lives. */
function ownOf({ work, document }: Session): Own {
  const mine = JSON.stringify(work.location)
  if (mine === undefined) return { sets: [], acts: false }
  return {
    sets: openSets(document).filter(({ ranIn }) => JSON.stringify(ranIn) === mine),
    acts: isActing(document.acting, mine),
  }
}

function isActing(acting: Acting | undefined, mine: string): boolean {
  if (acting === undefined) return false
  const { again: _again, ...location } = acting
  return JSON.stringify(location) === mine
}

function isCall({ work, document }: Session, mark: string): boolean {
  return mark.startsWith(`exec ${work.environment}/`) && mark.endsWith(`#${runIdOf(document)}`)
}

function isOwn(session: Session, { sets, acts }: Own, mark: string): boolean {
  const again = acts ? session.document.acting?.again : undefined
  if (again !== undefined && mark.startsWith(`${again}/`)) return true
  if (isCall(session, mark)) return acts || sets.length > 0
  return sets.some(({ id }) => mark.startsWith(`${id}/`))
}

/** Does this process run a program of which the state says that one may be at work here? */
export function isAtWork(session: Session): boolean {
  const own = ownOf(session)
  return runsMarked((mark) => isOwn(session, own, mark))
}

/**
 * This run ends in order, and nothing runs any more, of it or of one that was killed before: what
 * it has left open can be taken up anywhere.
 */
export async function leave(session: Session): Promise<void> {
  const own = ownOf(session)
  const { sets, acts } = own
  if ((sets.length === 0 && !acts) || isAtWork(session)) return
  // An earlier run may have been killed in a hook or in a call, of which this process knows
  // nothing.
  const left = await marksThatRun((mark) => isOwn(session, own, mark), sinceOf(session))
  if (left.some((mark) => isCall(session, mark) || !sawEnd(mark))) return
  await session.commit({ leaves: sets.map(({ id }) => id), ...(acts ? { acting: null } : {}) })
}
