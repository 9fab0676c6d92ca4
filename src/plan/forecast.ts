import { believable } from "../core/instants.ts"
import { type SecretState, type StateDocument } from "../core/state.ts"
import { versionAt } from "../core/version.ts"
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

export type Span = { readonly now: Date; readonly until: Date }

/**
 * What would happen between `now` and `until`, and when, if all goes well; a pure function of
 * config, state and time.
 */
export function forecast(
  found: StateDocument | undefined,
  secrets: readonly Planned[],
  schedule: Schedule,
  span: Span,
): readonly Forecast[] {
  const document = found && believable(found, span.now)
  const events = new Events()
  for (const secret of secrets) {
    const state = document?.secrets[secret.name]
    // Until a person acts nothing is done with it.
    if (state === undefined || state.drift !== undefined) continue
    addRevoke(events, secret, state, span.now)
    for (const rotation of rotationsOf(secret, state, schedule, span))
      addRotation(events, secret, rotation, span.until)
  }
  return events.inOrder()
}

/** What is owed now: the value before the current one, or what a containment has left. */
function addRevoke(events: Events, { name }: Planned, state: SecretState, now: Date): void {
  const previous = versionAt(state, "previous")?.stage
  if (previous?.kind === "previous")
    events.at(Math.max(now.getTime(), Date.parse(previous.revokeAt))).revokes.push(name)
  else if (owesAtOnce(state)) events.at(now.getTime()).revokes.push(name)
}

type Rotation = { readonly at: Date; readonly ageMs: number }

function* rotationsOf(
  { rotateEveryMs }: Planned,
  state: SecretState,
  schedule: Schedule,
  { now, until }: Span,
): Generator<Rotation> {
  if (state.rotatedAt === undefined || rotateEveryMs === null) return
  let rotatedAt = new Date(state.rotatedAt)
  let due = nextDue(schedule, state, rotateEveryMs)
  let earliest = due && nextTry(due.getTime(), state.retry, now)
  for (let count = 0; count < most && due !== undefined; count++) {
    // What is overdue is caught up at once, not at its missed tick.
    const at = new Date(Math.max(now.getTime(), earliest ?? due.getTime()))
    if (at > until) return
    yield { at, ageMs: at.getTime() - rotatedAt.getTime() }
    rotatedAt = at
    due = dueAt(schedule, rotatedAt, rotateEveryMs)
    earliest = undefined
  }
}

function addRotation(
  events: Events,
  { name, rotateEveryMs, graceMs }: Planned,
  { at, ageMs }: Rotation,
  until: Date,
): void {
  const event = events.at(at.getTime())
  event.rotates.push(name)
  if (rotateEveryMs !== null && ageMs > rotateEveryMs) event.late.push(name)
  const revokeAt = at.getTime() + graceMs
  if (graceMs > 0 && revokeAt <= until.getTime()) events.at(revokeAt).revokes.push(name)
}

type Event = { readonly rotates: string[]; readonly revokes: string[]; readonly late: string[] }

class Events {
  readonly #byTime = new Map<number, Event>()

  at(time: number): Event {
    const event = this.#byTime.get(time) ?? { rotates: [], revokes: [], late: [] }
    this.#byTime.set(time, event)
    return event
  }

  inOrder(): readonly Forecast[] {
    return [...this.#byTime]
      .sort(([one], [other]) => one - other)
      .map(([time, event]) => ({ at: new Date(time), ...event }))
  }
}
