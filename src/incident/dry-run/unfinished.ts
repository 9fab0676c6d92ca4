import { present } from "../../base/present.ts"
import type { Patch } from "../../core/state.ts"
import { versionAt } from "../../core/version.ts"
import { type ChangeSet, openSets, isDeferrable } from "../../core/change-set.ts"
import { makeWay } from "../../rotate/defer.ts"
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
import type { OpenAsBegun } from "../../app/environment.ts"
import type { DryRunOptions, Unfinished } from "./plan.ts"

/** What becomes of rotations that are not finished, before anything else is begun. */

export type Found = {
  readonly unfinished: readonly Unfinished[]
  /** Chosen for a containment, which goes on with them though their rotation stays open. */
  readonly goes: readonly string[]
  /** Chosen, and nothing can be done with them now. */
  readonly held: Readonly<Record<string, Why>>
  /** What ends first, and which of its secrets are then rotated anew. */
  readonly over: readonly { readonly prospect: Prospect; readonly anew: readonly string[] }[]
}

/**
 * The journal always ends first; one that was put aside, where one of its secrets is chosen. What
 * went on to its end is not rotated a second time, unless its value has leaked. One that cannot be
 * ended now makes way for a containment (only in memory here).
 */
export async function unfinishedIn(
  session: Session,
  chosen: readonly string[],
  { asBegun, ...options }: DryRunOptions & { readonly asBegun: OpenAsBegun },
): Promise<Found> {
  const { contain } = options
  const sets = openSets(session.document).filter(
    (set) => !isDeferrable(set) || set.secrets.some((name) => chosen.includes(name)),
  )
  // A recovery goes on with the options that each was begun with, whatever the config says by now.
  const begun = new Map(sets.map((set) => [set, asBegun(set)] as const))
  const prospects = await Promise.all([...begun].map(([set, own]) => prospectOf(own, set)))
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
  const unfinished = prospects.map((one) =>
    unfinishedOf(begun.get(one.set) ?? session, one, { chosen, taken, options }),
  )
  const over = prospects.flatMap((prospect, index) => {
    // Whether its programs are healthy once it has gone back is not known before: an ordinary
    // rotation waits for that, and a containment does not.
    const anew = contain === undefined ? [] : (unfinished[index]?.anew ?? [])
    return anew.length === 0 ? [] : [{ prospect, anew }]
  })
  return { unfinished, goes: taken, held, over }
}

/**
 * In memory alone: secrets that are rotated anew are out of the rotation that ends first, each with
 * the value that its service accepts now, by which preflight comes in.
 */
export function asEnded(session: Session, over: Found["over"]): void {
  for (const { prospect, anew } of over) {
    const { id } = prospect.set
    session.noteSecrets(Object.fromEntries(anew.map((name) => [name, endedPatch(prospect, name)])))
    const without = (set: ChangeSet): readonly ChangeSet[] => {
      if (set.id !== id) return [set]
      const secrets = set.secrets.filter((name) => !anew.includes(name))
      return secrets.length === 0 ? [] : [{ ...set, secrets }]
    }
    const { changeSet, deferred = [], ...rest } = session.document
    const [journal] = changeSet === undefined ? [] : without(changeSet)
    session.document = {
      ...rest,
      ...present({ changeSet: journal }),
      deferred: deferred.flatMap(without),
    }
  }
}

function endedPatch({ set, accepts }: Prospect, name: string): Patch {
  const wanted = set.direction === "forward" ? "pending" : "current"
  return (state) => {
    const ways = [versionAt(state, wanted)?.id, versionAt(state, "pending")?.id]
    const accepted = accepts[name] ?? ways
    const holds =
      ways.find((one) => one !== undefined && accepted.includes(one)) ??
      versionAt(state, "current")?.id
    const since = set.startedAt
    return {
      ...state,
      versions: state.versions.map((version) => {
        if (version.id === holds) return { ...version, stage: { kind: "current" } }
        const { kind } = version.stage
        return kind === "pending" || kind === "current"
          ? { ...version, stage: { kind: "retired", since } }
          : version
      }),
    }
  }
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
