import { believable } from "../core/instants.ts"
import { type StateDocument, versionAt } from "../core/state.ts"
import { owesAtOnce } from "./agenda.ts"
import { dueAt, nextDue, nextTry } from "./due.ts"
import type { Schedule } from "./schedule.ts"

export type Forecast = {
  readonly at: Date
  /** In one change set: one delivery, one restart of each deployment. */
  readonly rotates: readonly string[]
  readonly revokes: readonly string[]
  /** Secrets that get older than their greatest age, for no tick comes in time. */
  readonly late: readonly string[]
}
type Planned = {
  readonly name: string
  readonly rotateEveryMs: number | null
  readonly graceMs: number
}

/** A year of ticks every minute is no plan that anyone reads. */
const most = 10_000

/**
 * What would happen between `now` and `until`, and when, if all goes well; a pure function of
 * config, state and time.
 */
export function forecast(
  found: StateDocument | undefined,
  secrets: readonly Planned[],
  schedule: Schedule,
  now: Date,
  until: Date,
): readonly Forecast[] {
  const document = found && believable(found, now)
  const events = new Map<number, { rotates: string[]; revokes: string[]; late: string[] }>()
  const at = (time: number): { rotates: string[]; revokes: string[]; late: string[] } => {
    const found = events.get(time) ?? { rotates: [], revokes: [], late: [] }
    events.set(time, found)
    return found
  }
  for (const { name, rotateEveryMs, graceMs } of secrets) {
    const state = document?.secrets[name]
    // Until a person acts nothing is done with it.
    if (state?.drift !== undefined) continue
    const previous = state === undefined ? undefined : versionAt(state, "previous")?.stage
    if (previous?.kind === "previous")
      at(Math.max(now.getTime(), Date.parse(previous.revokeAt))).revokes.push(name)
    else if (state !== undefined && owesAtOnce(state)) at(now.getTime()).revokes.push(name)
    if (state?.rotatedAt === undefined || rotateEveryMs === null) continue
    let rotatedAt = new Date(state.rotatedAt)
    for (let count = 0; count < most; count++) {
      const due =
        count === 0
          ? nextDue(schedule, state, rotateEveryMs)
          : dueAt(schedule, rotatedAt, rotateEveryMs)
      if (due === undefined) break
      // What is overdue is caught up at once, not at its missed tick.
      const when = new Date(
        Math.max(
          now.getTime(),
          count === 0 ? nextTry(due.getTime(), state.retry, now) : due.getTime(),
        ),
      )
      if (when.getTime() > until.getTime()) break
      at(when.getTime()).rotates.push(name)
      if (when.getTime() - rotatedAt.getTime() > rotateEveryMs) at(when.getTime()).late.push(name)
      if (graceMs > 0 && when.getTime() + graceMs <= until.getTime())
        at(when.getTime() + graceMs).revokes.push(name)
      rotatedAt = when
    }
  }
  return [...events]
    .sort(([one], [other]) => one - other)
    .map(([time, event]) => ({ at: new Date(time), ...event }))
}
