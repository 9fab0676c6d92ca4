import type { StateDocument } from "../core/state.ts"
import { type ChangeSet, isDeferrable, madeWay } from "../core/change-set.ts"
import type { Session } from "./session.ts"

/** Puts the open change set aside, if that can be. */
export async function defer(session: Session): Promise<void> {
  const set = session.changeSet
  if (set === undefined || !isDeferrable(set)) return
  await session.commit({ changeSet: null, deferred: [...(session.document.deferred ?? []), set] })
}

/** The document with this set as its journal; only in memory, until the next durable write. */
export function asJournal(document: StateDocument, set: ChangeSet): StateDocument {
  const { deferred = [], ...rest } = document
  const others = deferred.filter(({ id }) => id !== set.id)
  return { ...rest, changeSet: set, ...(others.length === 0 ? {} : { deferred: others }) }
}

/** The document with its journal aside; only in memory, until the next durable write. */
export function makeWay(document: StateDocument): StateDocument {
  const { changeSet, ...rest } = document
  return changeSet === undefined
    ? document
    : { ...rest, deferred: [...(document.deferred ?? []), changeSet] }
}

/** As it is to be looked at: what a containment did not wait for is the journal again. */
export function withJournal(document: StateDocument): StateDocument {
  const [first] = document.changeSet === undefined ? madeWay(document) : []
  return first === undefined ? document : asJournal(document, first)
}
