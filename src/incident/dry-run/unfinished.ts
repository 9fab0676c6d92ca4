import { openSets } from "../../core/change-set.ts"
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
  { why, contain }: DryRunOptions,
): Promise<Found> {
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
  const unfinished = prospects.map((one) => unfinishedOf(one, chosen, why))
  return { unfinished, goes: goes.filter((name) => held[name] === undefined), held }
}

function unfinishedOf(
  prospect: Prospect,
  chosen: readonly string[],
  why: DryRunOptions["why"],
): Unfinished {
  const { startedAt, direction, secrets } = prospect.set
  const base = { startedAt, direction, secrets }
  const again = direction === "back" || why === "incident"
  if (!isKept(prospect))
    return { ...base, anew: again ? secrets.filter((name) => chosen.includes(name)) : [] }
  return {
    ...base,
    anew: [],
    ...(isDeferrable(prospect.set) ? {} : { blocks: true as const }),
    kept: whysOf(prospect),
  }
}
