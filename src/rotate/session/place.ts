import { isSameLocation } from "../../base/processes/run-location.ts"
import type { Acting, RunMark } from "../../core/run-mark.ts"
import { type ChangeSet, openSets } from "../../core/change-set.ts"
import { mayLeave } from "../may-leave.ts"
import type { Commit } from "./commit.ts"
import type { Work } from "../work.ts"

/** All in a state that says where a program may live. */
type Placed = {
  readonly changeSet?: ChangeSet | undefined
  readonly deferred?: readonly ChangeSet[]
  readonly acting?: Acting | undefined
}

/** The first durable write before a program says where it runs. */
export function placed(
  work: Work,
  before: ChangeSet | undefined,
  set: ChangeSet | undefined,
  { leaves = [], takesOver = false }: Commit,
): ChangeSet | undefined {
  const { location: place } = work
  if (set === undefined || place === undefined) return set
  if (leaves.includes(set.id)) return withoutPlace(set)
  const ranIn = before?.id === set.id ? before.ranIn : set.ranIn
  // What another run has left there is not ours by being written again.
  if (ranIn !== undefined && !takesOver) return { ...set, ranIn }
  return mayLeave(work, set) ? { ...set, ranIn: place } : set
}

/** Durable with the place, before a program begins; gone once nothing may live any more. */
export function runMarkOf(
  { location: place, run }: Work,
  next: Placed,
  before: RunMark | undefined,
): RunMark | undefined {
  const places = [next.acting, ...openSets(next).map(({ ranIn }) => ranIn)].filter(
    (one) => one !== undefined,
  )
  if (places.length === 0) return undefined
  if (place === undefined || run === undefined || !places.some((one) => isSameLocation(one, place)))
    return before
  const { id, clock, since } = run
  if (before === undefined) return { id, clock, since }
  return before.clock === clock ? before : { ...before, clock, since: 0 }
}

export function withoutPlace({ ranIn: _ranIn, ...set }: ChangeSet): ChangeSet {
  return set
}
