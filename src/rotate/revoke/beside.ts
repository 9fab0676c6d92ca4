import { describeError } from "../../base/error.ts"
import type { ChangeSet } from "../../core/change-set.ts"
import type { StateDocument } from "../../core/state.ts"
import { asJournal, makeWay } from "../defer.ts"
import { revokeOwed } from "../revoke.ts"
import type { Session } from "../session.ts"
import { type RevokeOptions, owedRevokeOthers, owedVersions } from "./owed.ts"
import type { Revoked } from "./revoked.ts"

type Beside = {
  /** A session with today's options. */
  readonly begin: (document: StateDocument) => Session
  /** Why one of these must wait all the same. */
  readonly waits: (
    secret: string,
  ) => { readonly code: string; readonly message: string } | undefined
  readonly options: RevokeOptions
}

/**
 * A rotation that stays open holds up each other rotation of its environment, and no revoke of a
 * secret that is not in it: the current value of that one is proven everywhere, the way back of the
 * open one puts no other in its place (`stale` in `core/change-set.ts`), and a revoke writes no
 * output and restarts nothing. An old value would else stay accepted for as long as a person takes
 * to end the open one. `session` goes on with the state that results.
 */
export async function revokeBesideJournal(
  session: Session,
  { begin, waits, options }: Beside,
): Promise<readonly Revoked[]> {
  const { changeSet: journal, work } = session
  if (journal === undefined || work.stop.aborted) return []
  const beside = begin(makeWay(session.document))
  const owed = owedNames(beside, options)
  const waiting = owed.flatMap((secret): readonly Revoked[] => {
    const why = waits(secret)
    return why === undefined ? [] : [{ secret, death: { kind: "owed", ...why } }]
  })
  const free = owed.filter((name) => !waiting.some(({ secret }) => secret === name))
  if (free.length === 0) return waiting
  try {
    return [...waiting, ...(await revokeOwed(beside, { ...options, secrets: free }))]
  } finally {
    await takeBack(session, beside, journal)
  }
}

function owedNames(session: Session, options: RevokeOptions): readonly string[] {
  const versions = owedVersions(session, options).map(({ name }) => name)
  return [...new Set([...versions, ...owedRevokeOthers(session, options)])]
}

/**
 * What was aside is the journal again, durably if anything was written; if that fails, the next run
 * finds it, and does it.
 */
async function takeBack(session: Session, beside: Session, { id }: ChangeSet): Promise<void> {
  const journal = beside.document.deferred?.find((set) => set.id === id)
  if (journal === undefined || beside.document.serial === session.document.serial) return
  const { deferred = [] } = asJournal(beside.document, journal)
  try {
    await beside.commit({ changeSet: journal, deferred })
  } catch (error) {
    session.work.onProgress("log", describeError(error).message)
  }
  session.document = asJournal(beside.document, journal)
}
