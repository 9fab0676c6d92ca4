import { present } from "../base/present.ts"
import { formatDuration } from "../base/text/duration.ts"
import { believableState } from "../core/instants.ts"
import {
  type RevokeHeld,
  type Retry,
  type SecretState,
  type StateDocument,
  type Unwritten,
  isUndated,
} from "../core/state.ts"
import { leftBehind, sayLeftBehind, serverLeft } from "../core/places.ts"
import { holdsContained, openContainment } from "../core/open-containment.ts"
import { type ChangeSet, heldBy, openSetOf } from "../core/change-set.ts"
import { type Stage, uncertainUntil, versionAt } from "../core/version.ts"
import { heldRevoke, rotationWaits, sayRevokeHeld } from "../core/held-up.ts"
import { sayUnwritten } from "../core/unwritten.ts"
import { debtsOf, unlistedRemedy } from "../core/unlisted.ts"
import { nextDue, nextTry } from "./due.ts"
import { formerDriver, sayChanged } from "../core/changed-driver.ts"
import { incidentOf } from "../core/contained.ts"
import { sayDrifted } from "./drifted.ts"
import { inWords, sayNotContained } from "./uncontained.ts"
import type { PlannedSecret } from "./planned-secret.ts"
import type { Schedule } from "./schedule.ts"

export type SecretStatus = {
  readonly name: string
  readonly driver: string
  readonly version?: string
  readonly ageMs?: number
  /** Instead of `ageMs` if its age is unknown: how long ago it was taken over. */
  readonly ageAtLeastMs?: number
  readonly rotateEveryMs: number | null
  readonly dueAt?: Date
  readonly overdueMs?: number
  /** "current", "new", "rotating", … */
  readonly stage: string
  /** What a person would want to know besides. */
  readonly notes: readonly string[]
  /** Outputs that a containment could not write, and programs that were not restarted since. */
  readonly unwritten?: Pick<Unwritten, "outputs" | "programs">
  /** Contained for new logins only: sessions that were opened before may live. */
  readonly sessionsMayLive?: true
  /** The secrets of a rotation that is not finished: until it ends, this one is not rotated. */
  readonly waitsFor?: readonly string[]
  readonly attention: boolean
}

/** How one secret stands; pure. */
export function secretStatus(
  { name, driver, rotateEveryMs }: Omit<PlannedSecret, "graceMs">,
  found: StateDocument | undefined,
  schedule: Schedule,
  now: Date,
): SecretStatus {
  const written = found?.secrets[name]
  const state = written && believableState(written, now)
  const set = openSetOf(found, name)
  const held = heldBy(found, name)
  const base = { name, driver, rotateEveryMs }
  if (state === undefined || versionAt(state, "current") === undefined)
    return { ...base, ...withoutCurrent(state, set, now) }
  const due = rotateEveryMs === null ? undefined : nextDue(schedule, state, rotateEveryMs)
  const status = withCurrent(state, set, { due, now, held })
  const was = formerDriver(state, driver)
  return {
    ...base,
    ...status,
    ...(was === undefined
      ? {}
      : { notes: [changed(was, driver), ...status.notes], attention: true }),
    ...(held === undefined ? {} : { waitsFor: held.secrets }),
  }
}

function changed(was: string, now: string): string {
  return `${sayChanged({ was, now })} (driver-differs)`
}

type StatusFields = Omit<SecretStatus, keyof PlannedSecret>

/** `isOpen`: it is in a rotation that is not finished. */
type Own = Then & { readonly isOpen: boolean }

function withoutCurrent(
  state: SecretState | undefined,
  set: ChangeSet | undefined,
  now: Date,
): StatusFields {
  const isOpen = set !== undefined
  const versions = state?.versions ?? []
  const uncertain = versions
    .filter(({ stage }) => needsLook(stage, now))
    .map(({ id }) => `${id} may still be accepted`)
  // There was one: what its service accepts now is not known here.
  const isLost = !isOpen && versions.length > 0
  const left = state && openContainment(state)
  return {
    stage: isOpen ? "rotating" : "new",
    notes: [
      ...(left === undefined ? [] : [sayNotContained(left)]),
      ...(isOpen ? ["its first value is on its way"] : [isLost ? lost : fresh, ...uncertain]),
    ],
    attention: isOpen || isLost || uncertain.length > 0 || left !== undefined,
  }
}

const fresh = "left alone: adopt, or rotate-now --new"
const lost =
  "no version of it is known to work: adopt takes over what its output shows, " +
  "rotate-now --new makes a first one"

function withCurrent(
  state: SecretState,
  set: ChangeSet | undefined,
  { due, ...then }: Then & { readonly due: Date | undefined },
): StatusFields {
  const { now, held } = then
  const overdueMs = due === undefined ? 0 : now.getTime() - due.getTime()
  const { retry, drift, unhealthy, unwritten } = state
  const troubles = [set, retry, drift, openContainment(state), unhealthy, unwritten]
  return {
    ...present({ version: versionAt(state, "current")?.id }),
    ...ageOf(state, now),
    ...present({ dueAt: due, overdueMs: overdueMs > 0 ? overdueMs : undefined }),
    stage: set === undefined ? "current" : `rotating (${set.direction})`,
    notes: [
      ...notesOf(state, due, { ...then, isOpen: set !== undefined }),
      ...(overdueMs > 0 && set === undefined && held !== undefined ? [rotationWaits(held)] : []),
    ],
    ...present({
      unwritten: unwritten && { outputs: unwritten.outputs, programs: unwritten.programs },
    }),
    ...(sessionsMayLive(state) ? { sessionsMayLive: true as const } : {}),
    attention:
      overdueMs > 0 ||
      troubles.some((one) => one !== undefined) ||
      leftBehind(state).length > 0 ||
      state.versions.some(({ stage }) => needsLook(stage, now)),
  }
}

/**
 * A secret that the config has no more, and of which something is owed: only a person ends that.
 * undefined: nothing is owed.
 */
export function unlistedStatus(
  environment: string,
  name: string,
  state: SecretState,
): SecretStatus | undefined {
  const debts = debtsOf(state)
  if (debts.length === 0) return undefined
  const current = versionAt(state, "current")
  return {
    name,
    driver: state.driver,
    rotateEveryMs: null,
    ...present({ version: current?.id }),
    stage: "not in the config",
    notes: [...debts, unlistedRemedy(`${environment}/${name}`, state.driver)],
    attention: true,
  }
}

/** How old the current value is, as far as it is known. */
export function ageOf(
  state: SecretState | undefined,
  now: Date,
): Pick<SecretStatus, "ageMs" | "ageAtLeastMs"> {
  if (state?.rotatedAt === undefined || versionAt(state, "current") === undefined) return {}
  const ms = now.getTime() - Date.parse(state.rotatedAt)
  return isUndated(state) ? { ageAtLeastMs: ms } : { ageMs: ms }
}

/** What an incident has still to take away needs a look at once, within its grace, too. */
function needsLook(stage: Stage, now: Date): boolean {
  const from = needsLookFrom(stage)
  return from !== undefined && from <= now.getTime()
}

/** undefined: it never does, as things stand. */
export function needsLookFrom(stage: Stage): number | undefined {
  if (stage.kind === "uncertain") return uncertainUntil(stage)
  if (stage.kind !== "previous") return undefined
  return stage.revokeOthers === true ? 0 : Date.parse(stage.revokeAt)
}

type Then = { readonly now: Date; readonly held: ChangeSet | undefined }

/** When `run` tries next what has failed: it tries only what is due. `due`: undefined if it never is. */
export function sayNextTry(retry: Retry, due: Date | undefined, { now, held }: Then): string {
  if (due === undefined) return "mycelium run does not try again; rotate-now does"
  if (held !== undefined)
    return `mycelium run tries again once the rotation of ${held.secrets.join(", ")} has ended`
  const at = nextTry(due.getTime(), retry, now)
  if (at <= now.getTime()) return "mycelium run tries again at once"
  return at === due.getTime()
    ? `mycelium run tries again once it is due, ${inWords(due.toISOString())}; rotate-now tries sooner`
    : "mycelium run tries again if it is running, " +
        "at " +
        `${at - now.getTime() < dayMs ? `${new Date(at).toISOString().slice(11, 16)} UTC` : inWords(new Date(at).toISOString())}`
}
const dayMs = 86_400_000

/** When a secret is due without a person's act; one that has drifted waits for a person. */
export function dueBy(
  schedule: Schedule,
  state: SecretState,
  rotateEveryMs: number | null,
): Date | undefined {
  return state.drift !== undefined || rotateEveryMs === null
    ? undefined
    : nextDue(schedule, state, rotateEveryMs)
}

function notesOf(state: SecretState, due: Date | undefined, then: Own): readonly string[] {
  const notes: string[] = []
  const left = openContainment(state)
  if (left !== undefined) notes.push(sayNotContained(left))
  const { contained } = state
  if (contained !== undefined && sessionsMayLive(state))
    notes.push(`sessions opened before ${inWords(contained.at)} may live (${contained.incident})`)
  for (const { id, stage } of state.versions)
    notes.push(...stageNotes(id, stage, { ...then, why: heldRevoke(state, id) }))
  if (state.drift !== undefined)
    notes.push(sayDrifted({ ...state.drift, ...present({ incident: incidentOf(state) }) }))
  if (state.unhealthy !== undefined)
    notes.push(
      `${state.unhealthy.message}, since ${inWords(state.unhealthy.since)}: see to that program`,
    )
  const behind = leftBehind(state)
  if (behind.length > 0) notes.push(`${sayLeftBehind(behind)} (${serverLeft})`)
  if (state.unwritten !== undefined) notes.push(sayUnwritten(state.unwritten))
  if (state.weak === true) notes.push("easily guessed")
  if (state.undated === true)
    notes.push("its age is not known, for a clock was wrong: due at the next scheduled time")
  else if (isUndated(state)) notes.push("adopted, its age is unknown")
  if (state.retry !== undefined) {
    const { failures, message } = state.retry
    const next = sayNextTry(state.retry, state.drift === undefined ? due : undefined, then)
    notes.push(`${failures} failed attempt${failures === 1 ? "" : "s"}: ${message}; ${next}`)
  }
  return notes
}

function sessionsMayLive(state: SecretState): boolean {
  return state.contained?.sessions !== undefined && holdsContained(state)
}

function untilThen(stage: Stage, now: Date): string {
  const leftMs = uncertainUntil(stage) - now.getTime()
  return leftMs > 0 ? `; it is revoked in ${formatDuration(Math.ceil(leftMs / 1000) * 1000)}` : ""
}

type OfStage = Own & { readonly why: RevokeHeld | undefined }

function stageNotes(id: string, stage: Stage, { now, isOpen, why }: OfStage): readonly string[] {
  if (stage.kind === "uncertain")
    return [`${id} may still be accepted: ${stage.why}${untilThen(stage, now)}`]
  if (stage.kind !== "previous") return []
  const leftMs = Date.parse(stage.revokeAt) - now.getTime()
  const forMs = formatDuration(Math.ceil(leftMs / 1000) * 1000)
  if (isOpen)
    return [
      leftMs > 0
        ? `${id} is accepted for ${forMs} more, and until its rotation has ended`
        : `revoke of ${id} owed: it waits for the end of its rotation`,
    ]
  const because = why === undefined ? "" : `, ${sayRevokeHeld(why)}`
  return [leftMs > 0 ? `${id} is accepted for ${forMs} more` : `revoke of ${id} owed${because}`]
}
