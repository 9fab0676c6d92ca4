import type { Due } from "../core/due.ts"
import { believable } from "../core/instants.ts"
import { type SecretState, type StateDocument } from "../core/state.ts"
import { heldBy, openSetOf } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { owesAtOnce } from "./agenda.ts"
import { causeOf, dueAt, nextDue, nextTry } from "./due.ts"
import type { PlannedSecret } from "./planned-secret.ts"
import type { Schedule } from "./schedule.ts"

export type Forecast = {
  readonly at: Date
  /** In one change set: one delivery, one restart of each deployment. */
  readonly rotates: readonly string[]
  /** Of each of these, why it is due, and since when. */
  readonly causes: Readonly<Record<string, Due>>
  /** Rotations that were begun and are not finished: they end before any other of the secret. */
  readonly finishes: readonly string[]
  readonly revokes: readonly string[]
  /** Secrets that get older than their greatest age, for no tick comes in time. */
  readonly late: readonly string[]
  /** Those of them that cannot be done before a rotation which is not finished has ended. */
  readonly waits?: readonly HeldUp[]
}
export type HeldUp = { readonly secrets: readonly string[]; readonly for: readonly string[] }

/** A year of ticks every minute is no plan that anyone reads. */
const most = 10_000

export type Span = { readonly now: Date; readonly until: Date }

/**
 * What would happen between `now` and `until`, and when, if all goes well; a pure function of
 * config, state and time.
 */
export function forecast(
  found: StateDocument | undefined,
  secrets: readonly Omit<PlannedSecret, "driver">[],
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
    const set = openSetOf(document, secret.name)
    if (set !== undefined) events.at(span.now.getTime()).finishes.push(secret.name)
    // Going forward, it ends with a new value.
    const start = set?.direction === "forward" ? renewed(state, set.startedAt) : state
    for (const rotation of rotationsOf(secret, start, schedule, span))
      addRotation(events, secret, rotation, span.until)
  }
  return events.inOrder().map((event) => ({ ...event, ...waitsOf(event, document) }))
}

/** A rotation waits for each that may have changed files, a revoke for that of its own secret. */
function waitsOf(
  { rotates, revokes }: Forecast,
  document: StateDocument | undefined,
): Pick<Forecast, "waits"> {
  const held = [
    ...rotates.map((name) => ({ name, set: heldBy(document, name) })),
    ...revokes.map((name) => ({ name, set: openSetOf(document, name) })),
  ].flatMap(({ name, set }) => (set === undefined ? [] : [{ name, set }]))
  const waits = [...Map.groupBy(held, ({ set }) => set)].map(([set, all]) => ({
    secrets: [...new Set(all.map(({ name }) => name))],
    for: set.secrets,
  }))
  return waits.length === 0 ? {} : { waits }
}

/** As it is once a rotation that began at this instant has ended. */
function renewed(
  { weak: _, undated: __, retry: ___, ...state }: SecretState,
  rotatedAt: string,
): SecretState {
  const versions = state.versions.map(({ adopted: _adopted, ...version }) => version)
  return { ...state, versions, rotatedAt }
}

/** What is owed now: the value before the current one, or what a containment has left. */
function addRevoke(
  events: Events,
  { name }: Pick<PlannedSecret, "name">,
  state: SecretState,
  now: Date,
): void {
  const previous = versionAt(state, "previous")?.stage
  if (previous?.kind === "previous")
    events.at(Math.max(now.getTime(), Date.parse(previous.revokeAt))).revokes.push(name)
  else if (owesAtOnce(state)) events.at(now.getTime()).revokes.push(name)
}

type Rotation = { readonly at: Date; readonly ageMs: number; readonly cause: Due }

function* rotationsOf(
  { rotateEveryMs }: Pick<PlannedSecret, "rotateEveryMs">,
  state: SecretState,
  schedule: Schedule,
  { now, until }: Span,
): Generator<Rotation> {
  if (state.rotatedAt === undefined || rotateEveryMs === null) return
  let rotatedAt = new Date(state.rotatedAt)
  let due = nextDue(schedule, state, rotateEveryMs)
  let by = causeOf(state)
  let earliest = due && nextTry(due.getTime(), state.retry, now)
  for (let count = 0; count < most && due !== undefined; count++) {
    // What is overdue is caught up at once, not at its missed tick.
    const at = new Date(Math.max(now.getTime(), earliest ?? due.getTime()))
    if (at > until) return
    const cause = { by, tick: due.toISOString() }
    yield { at, ageMs: at.getTime() - rotatedAt.getTime(), cause }
    rotatedAt = at
    by = "age"
    due = dueAt(schedule, rotatedAt, rotateEveryMs)
    earliest = undefined
  }
}

function addRotation(
  events: Events,
  { name, rotateEveryMs, graceMs }: Omit<PlannedSecret, "driver">,
  { at, ageMs, cause }: Rotation,
  until: Date,
): void {
  const event = events.at(at.getTime())
  event.rotates.push(name)
  event.causes[name] = cause
  if (rotateEveryMs !== null && ageMs > rotateEveryMs) event.late.push(name)
  const revokeAt = at.getTime() + graceMs
  if (graceMs > 0 && revokeAt <= until.getTime()) events.at(revokeAt).revokes.push(name)
}

type Event = {
  readonly rotates: string[]
  readonly causes: Record<string, Due>
  readonly finishes: string[]
  readonly revokes: string[]
  readonly late: string[]
}

class Events {
  readonly #byTime = new Map<number, Event>()

  at(time: number): Event {
    const event = this.#byTime.get(time) ?? {
      rotates: [],
      causes: {},
      finishes: [],
      revokes: [],
      late: [],
    }
    this.#byTime.set(time, event)
    return event
  }

  inOrder(): readonly Forecast[] {
    return [...this.#byTime]
      .sort(([one], [other]) => one - other)
      .map(([time, event]) => ({ at: new Date(time), ...event }))
  }
}
