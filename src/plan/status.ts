import { type Retry, type SecretState, type Stage, type StateDocument, openSetOf, versionAt } from "../core/state.ts"
import { nextDue, nextTry } from "./due.ts"
import { inWords, sayNotContained } from "./not-contained.ts"
import type { Schedule } from "./schedule.ts"

/** What stands in the config about one secret, as far as planning needs it. */
export type Planned = { readonly name: string; readonly driver: string; readonly rotateEveryMs: number | null }
export type SecretStatus = {
  readonly name: string
  readonly driver: string
  readonly version?: string
  readonly ageMs?: number
  readonly rotateEveryMs: number | null
  readonly dueAt?: Date
  readonly overdueMs?: number
  /** "current", "new", "rotating", … */
  readonly stage: string
  /** What a person would want to know besides. */
  readonly notes: readonly string[]
  readonly attention: boolean
}

/** A revoke is tried again and again; a person is asked to look at it after so long (ms). */
const patienceMs = 60_000

/** How one secret stands; pure. */
export function secretStatus(planned: Planned, document: StateDocument | undefined, schedule: Schedule, now: Date): SecretStatus {
  const state = document?.secrets[planned.name]
  const current = state === undefined ? undefined : versionAt(state, "current")
  const base = { name: planned.name, driver: planned.driver, rotateEveryMs: planned.rotateEveryMs }
  const set = openSetOf(document, planned.name)
  const open = set !== undefined
  if (current === undefined || state === undefined) {
    return { ...base, stage: open ? "rotating" : "new", notes: open ? ["its first value is on its way"] : ["left alone: adopt, or rotate-now --new"], attention: false }
  }
  const rotatedAt = state.rotatedAt === undefined ? undefined : new Date(state.rotatedAt)
  const due = rotatedAt === undefined || planned.rotateEveryMs === null ? undefined : nextDue(schedule, state, planned.rotateEveryMs)
  const notes = notesOf(state, due, now)
  const overdueMs = due === undefined ? 0 : now.getTime() - due.getTime()
  return {
    ...base,
    version: current.id,
    ...(rotatedAt === undefined ? {} : { ageMs: now.getTime() - rotatedAt.getTime() }),
    ...(due === undefined ? {} : { dueAt: due }),
    ...(overdueMs > 0 ? { overdueMs } : {}),
    stage: open ? `rotating (${set.direction})` : "current",
    notes,
    attention: open || overdueMs > 0 || [state.retry, state.drift, state.uncontained, state.unhealthy].some((one) => one !== undefined) || state.versions.some(({ stage }) => needsLook(stage, now)),
  }
}

/** What an incident has still to take away waits for nobody. */
function needsLook(stage: Stage, now: Date): boolean {
  if (stage.is === "previous") return stage.expel === true || Date.parse(stage.revokeAt) < now.getTime() - patienceMs
  return stage.is === "doubtful"
}

/** `run` tries what is due, and nothing else. */
function retryNote({ failures, says, ...retry }: Retry, due: Date | undefined, now: Date): string {
  const failed = `failed ${failures}×`
  if (due === undefined) return `${failed}: ${says}; not tried again by itself`
  const at = nextTry(due.getTime(), { failures, says, ...retry }, now)
  if (at <= now.getTime()) return `${failed}, again at once: ${says}`
  return at === due.getTime() ? `${failed}: ${says}; not due, nor tried by itself, before ${inWords(due.toISOString())}` : `${failed}, again at ${new Date(at).toISOString().slice(11, 16)} UTC: ${says}`
}

function notesOf(state: SecretState, due: Date | undefined, now: Date): readonly string[] {
  const notes: string[] = []
  if (state.uncontained !== undefined) notes.push(sayNotContained(state.uncontained))
  for (const version of state.versions) {
    if (version.stage.is === "previous") {
      const leftMs = Date.parse(version.stage.revokeAt) - now.getTime()
      notes.push(leftMs > 0 ? `${version.id} accepted for ${Math.ceil(leftMs / 1000)} s more` : `revoke of ${version.id} owed`)
    }
    if (version.stage.is === "doubtful") notes.push(`${version.id} may still be accepted: ${version.stage.why}`)
  }
  if (state.drift !== undefined) notes.push(`the service refuses it since ${inWords(state.drift.since)}: adopt what works, or reconcile`)
  if (state.unhealthy !== undefined) notes.push(`${state.unhealthy.says}, since ${inWords(state.unhealthy.since)}: see to that program`)
  if (state.weak === true) notes.push("easily guessed")
  if (state.retry !== undefined) notes.push(retryNote(state.retry, state.drift === undefined ? due : undefined, now))
  return notes
}
