import { type ChangeSet, openSets } from "../../core/change-set.ts"
import { isDeferrable, makeWay } from "../../rotate/defer.ts"
import {
  type Prospect,
  type Why,
  chosenIn,
  isKept,
  prospectOf,
  whysOf,
} from "../../rotate/prospects.ts"
import type { Session } from "../../rotate/session.ts"
import { toRestart } from "../../rotate/readers.ts"
import { strategyOf } from "../../rotate/strategy.ts"
import type { DryRunOptions, Unfinished } from "./plan.ts"

/** What becomes of rotations that are not finished, before anything else is begun. */

export type Found = {
  readonly unfinished: readonly Unfinished[]
  /** Chosen for a containment, which goes on with them though their rotation stays open. */
  readonly goes: readonly string[]
  /** Chosen, and nothing can be done with them now. */
  readonly held: Readonly<Record<string, Why>>
}

/**
 * The journal always ends first; one that was put aside, where one of its secrets is chosen. What
 * went on to its end is not rotated a second time, unless someone has its value. One that cannot be
 * ended now makes way for a containment (only in memory here).
 */
export async function unfinishedIn(
  session: Session,
  chosen: readonly string[],
  options: DryRunOptions,
): Promise<Found> {
  const { contain } = options
  const sets = openSets(session.document).filter(
    (set) => !isDeferrable(set) || set.secrets.some((name) => chosen.includes(name)),
  )
  const prospects = await Promise.all(sets.map((set) => prospectOf(session, set)))
  const kept = prospects.filter(isKept)
  if (contain !== undefined && kept.length > 0) session.document = makeWay(session.document)
  const goes: string[] = []
  const held: Record<string, Why> = {}
  for (const prospect of kept) {
    const isHidden = prospect.whole?.hidden === true
    for (const name of chosen) {
      if (!isHidden && !prospect.set.secrets.includes(name)) continue
      const found = contain === undefined ? prospect.keeps[name] : chosenIn(session, prospect, name)
      if (found === undefined) continue
      if (found === "goes") goes.push(name)
      else held[name] = found
    }
  }
  const taken = goes.filter((name) => held[name] === undefined)
  const unfinished = prospects.map((one) => unfinishedOf(session, one, { chosen, taken, options }))
  return { unfinished, goes: taken, held }
}

type Beside = {
  readonly chosen: readonly string[]
  readonly taken: readonly string[]
  readonly options: DryRunOptions
}

function unfinishedOf(session: Session, prospect: Prospect, beside: Beside): Unfinished {
  const { startedAt, direction, secrets } = prospect.set
  const base = { startedAt, direction, secrets, restarts: restartsFor(session, prospect) }
  if (!isKept(prospect))
    return { ...base, anew: anewIn(prospect.set, beside), goesOn: [], takenOut: [] }
  const goesOn = goesOnIn(prospect)
  const takenOut = secrets.filter((name) => beside.taken.includes(name) && !goesOn.includes(name))
  const isOver = secrets.every((name) => goesOn.includes(name) || takenOut.includes(name))
  return {
    ...base,
    anew: [],
    goesOn,
    takenOut,
    ...(isOver ? { ends: true as const } : {}),
    ...(mayGoBack(prospect) ? { mayGoBack: true as const } : {}),
    ...(isDeferrable(prospect.set) ? {} : { blocks: true as const }),
    kept: whysOf(prospect),
  }
}

/** What goes on to its end has its value from this incident already, if it began there. */
function anewIn(set: ChangeSet, { chosen, options: { why, incident } }: Beside): readonly string[] {
  const isForward = set.direction === "forward"
  if (isForward && why !== "incident") return []
  const isOfThis = set.contain !== undefined && incident !== undefined && set.incident === incident
  return isForward && isOfThis ? [] : set.secrets.filter((name) => chosen.includes(name))
}

/** On the way forward each secret whose service answers; on the way back files may hold it up. */
function goesOnIn({ set, keeps, whole }: Prospect): readonly string[] {
  if (whole !== undefined || set.direction === "back") return []
  return set.secrets.filter((name) => keeps[name] === undefined)
}

/** An ordinary rotation whose files cannot be written turns back. */
function mayGoBack({ set, keeps, whole }: Prospect): boolean {
  if (whole !== undefined && whole.hidden !== true) return strategyOf(set).goesBack
  return set.direction === "back" && set.secrets.some((name) => keeps[name] === undefined)
}

function restartsFor(session: Session, prospect: Prospect): readonly string[] {
  const { set, whole } = prospect
  if (whole?.hidden === true) return []
  const secrets = isKept(prospect) ? goesOnIn(prospect) : set.secrets
  if (secrets.length === 0 && !mayGoBack(prospect)) return []
  return toRestart(session, { ...set, secrets: secrets.length === 0 ? set.secrets : secrets }).map(
    ({ name }) => name,
  )
}
