import type { StateDocument } from "../core/state.ts"
import type { ChangeSet } from "../core/change-set.ts"
import type { Session } from "./session.ts"

/**
 * A change set whose services give no clear answer would hold up the other secrets of its
 * environment. If it has changed no file and restarted nothing, it is put aside, durably, and
 * resumed later with the options that it began with. Until then its secrets are closed to all else,
 * and files go on showing their current values.
 */
export function isDeferrable({ direction, before, touched, restarted }: ChangeSet): boolean {
  return (
    direction === "forward" &&
    before === undefined &&
    touched.length === 0 &&
    restarted.length === 0
  )
}

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

/**
 * Those that are aside though they have changed files or restarted programs: a containment of other
 * secrets did not wait for them. Each is the journal again before anything else is begun.
 */
export function madeWay({ deferred = [] }: Pick<StateDocument, "deferred">): readonly ChangeSet[] {
  return deferred.filter((set) => !isDeferrable(set))
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
