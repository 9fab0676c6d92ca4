import { type StateDocument } from "../core/state.ts"
import { type ChangeSet, madeWay } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { driverOf } from "./ask.ts"
import { hiddenOf } from "./elsewhere.ts"
import { overrules } from "./overrule.ts"
import { makeWay, defer, asJournal } from "./defer.ts"
import type { Session } from "./session.ts"
import { type Outcome, type Outcomes, waitsForAnother } from "./work.ts"

type How = {
  /** A session with the options that this set began with. */
  readonly begin: (set: ChangeSet, document: StateDocument, like: Session) => Session
  readonly resume: (session: Session) => Promise<Outcomes>
}
export type Recovered = { readonly session: Session; readonly recovered: Outcomes }

/**
 * Ends what earlier runs have left: the journal, then those that have made way for a containment.
 * What cannot be decided now holds up none of the others. One that stays open is the journal then:
 * first one that a person can end.
 */
export async function recover(first: Session, { begin, resume }: How): Promise<Recovered> {
  let session = first
  let recovered: Outcomes = {}
  const tried = new Set<string>()
  for (;;) {
    if (session.changeSet !== undefined) {
      tried.add(session.changeSet.id)
      recovered = { ...recovered, ...(await resume(session)) }
      // What cannot be decided now holds up none of the others.
      await defer(session)
    }
    const document = makeWay(session.document)
    const next = madeWay(document).find(({ id }) => !tried.has(id))
    if (next === undefined || session.work.stop.aborted) break
    session = begin(next, asJournal(document, next), session)
  }
  const open = madeWay(makeWay(session.document))
  const isStuck = ({ secrets }: ChangeSet): boolean =>
    secrets.some((name) => recovered[name]?.kind === "stuck")
  const journal = open.find(isStuck) ?? open[0]
  if (journal === undefined || journal.id === session.changeSet?.id) return { session, recovered }
  const document = asJournal(makeWay(session.document), journal)
  return { session: begin(journal, document, session), recovered }
}

/**
 * May a containment go on though a rotation is open? Where a program of that one may still run
 * unseen, it may be the very restart that would be begun.
 */
export function mayMakeWay(session: Session): boolean {
  return madeWay(makeWay(session.document)).every((set) => hiddenOf(session, set) === undefined)
}

/**
 * May a containment take it out of a rotation that is aside? It waits there for a file, or for
 * another one's service; or its own refuses all that we know. Where an admin sets a value over
 * whatever is there, that is no cause to wait.
 */
export function mayOvertake(session: Session, name: string, outcome: Outcome | undefined): boolean {
  const { deferred = [] } = session.document
  const isAside = deferred.some(({ secrets }) => secrets.includes(name))
  if (!isAside || !overrules(driverOf(session, name))) return false
  // A first value that is on its way replaces nothing that is known here.
  if (versionAt(session.state(name), "current") === undefined) return false
  return (
    outcome?.kind === "stuck" ||
    (outcome?.kind === "waiting" && (outcome.by === "file" || outcome.code === waitsForAnother))
  )
}

/** Once a containment is over: what has made way for it is the journal again, durably. */
export async function takeBackJournal(session: Session, serialBefore: number): Promise<void> {
  const [first] = session.changeSet === undefined ? madeWay(session.document) : []
  if (first === undefined) return
  const { changeSet, ...rest } = asJournal(session.document, first)
  // Where nothing was written since, the disk says so already.
  if (session.document.serial === serialBefore || changeSet === undefined) return
  await session.commit({ changeSet, deferred: rest.deferred ?? [] })
}
