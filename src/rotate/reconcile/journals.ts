import { type ChangeSet, openSets } from "../../core/change-set.ts"
import { versionAt } from "../../core/version.ts"
import { deploymentsOf, sharedBy } from "../readers.ts"
import type { Finds, ReconcileFinding, ReconcileOptions } from "./finding.ts"
import type { Session } from "../session.ts"
import { strategyOf } from "../strategy.ts"

/**
 * An open journal is ended here only where all of its secrets that a service asks for are found
 * under another version. Else its own way goes on, and each of them goes that way with the version
 * that was found: forward as the new value, back as the one to go back to. One that was put aside
 * has touched nothing yet: each of its secrets may leave it alone.
 */
export function holdForJournals(
  session: Session,
  found: Record<string, ReconcileFinding>,
): ReadonlySet<string> {
  const open = session.changeSet
  const other = (name: string): boolean => {
    const one = found[name]
    if (session.work.drivers[name]?.overlap === "none") return true
    return one?.kind === "found" && one.version !== versionAt(session.state(name), "pending")?.id
  }
  const blocked =
    open !== undefined &&
    !(open.secrets.some((name) => found[name]?.kind === "found") && open.secrets.every(other))
  const replaces = (name: string): boolean =>
    blocked &&
    strategyOf(open).takesFoundVersion &&
    open.secrets.includes(name) &&
    driverAsks(session, name) &&
    other(name)
  const replaced = new Set(Object.keys(found).filter(replaces))
  for (const [name, one] of Object.entries(found)) {
    if (one.kind !== "found" || replaced.has(name)) continue
    if (!(blocked || (session.isOpen(name) && !other(name)))) continue
    found[name] = {
      kind: "held",
      version: one.version,
      code: "journal-open",
      message: "a rotation is not finished yet, and ends first",
      hint: "mycelium run, or the same rotate-now again, asks the service and ends it; see mycelium status",
    }
  }
  return replaced
}

function driverAsks(session: Session, name: string): boolean {
  return session.work.drivers[name]?.overlap !== "none"
}

/**
 * The secrets that leave a change set which is not finished: those that are found elsewhere, what
 * was in one journal with them, and all of a state that was overtaken.
 */
export function leaving(
  session: Session,
  found: Finds,
  options: ReconcileOptions,
): ReadonlySet<string> {
  const all = openSets(session.document).flatMap(({ secrets }) => secrets)
  if (options.behind !== undefined) return new Set(all)
  const isFound = (name: string): boolean => found[name]?.kind === "found"
  const journal = session.changeSet?.secrets ?? []
  return new Set(
    all.filter((name) => isFound(name) || (journal.includes(name) && journal.some(isFound))),
  )
}

type Followed = {
  readonly moves: readonly string[]
  readonly leaves: ReadonlySet<string>
  /** Of these the open journal goes on with the version that was found. */
  readonly replaced: ReadonlySet<string>
}

/** For `commit`: what becomes of the open journal; one of its own, if outputs must follow. */
export function journalAfter(
  session: Session,
  { moves, leaves, replaced }: Followed,
  startedAt: string,
): { readonly changeSet?: ChangeSet | null } {
  const { changeSet: open, work } = session
  if (replaced.size > 0)
    return open?.direction === "back" ? { changeSet: visitsAgain(session, open, replaced) } : {}
  if (moves.length === 0)
    return open?.secrets.every((name) => leaves.has(name)) === true ? { changeSet: null } : {}
  const shared = sharedBy(session, moves)
  return {
    changeSet: {
      id: work.newId(),
      why: "reconcile",
      startedAt,
      secrets: moves,
      direction: "forward",
      touched: [],
      restarted: [],
      unhealthy: {},
      startedWith: work.startedWith,
      ...(Object.keys(shared).length === 0 ? {} : { shared }),
    },
  }
}

/** The change sets that wait aside, without the secrets that leave them. */
export function deferredWithout(
  { document: { deferred = [] } }: Session,
  leaves: ReadonlySet<string>,
): readonly ChangeSet[] {
  return deferred
    .map((one) => ({ ...one, secrets: one.secrets.filter((name) => !leaves.has(name)) }))
    .filter(({ secrets }) => secrets.length > 0)
}

/** Its outputs show another value than before, and their readers are restarted with that. */
function visitsAgain(session: Session, set: ChangeSet, replaced: ReadonlySet<string>): ChangeSet {
  const names = [...replaced]
  const { stuck: _stuck, ...rest } = set
  const stale = session
    .outputsOf(names)
    .map(({ target }) => [
      target,
      { sealed: "", after: "", ...set.before?.[target], stale: true as const },
    ])
  const readers = deploymentsOf(session, names).map(({ name }) => name)
  return {
    ...rest,
    before: { ...set.before, ...Object.fromEntries(stale) },
    touched: [...new Set([...set.touched, ...readers])],
    restarted: set.restarted.filter((name) => !readers.includes(name)),
  }
}
