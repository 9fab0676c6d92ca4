import { present } from "../../base/present.ts"
import { noteBack } from "../../core/contained.ts"
import { type AuditEvent, appendLine } from "../../core/audit-line.ts"
import { type SecretState, type StateDocument } from "../../core/state.ts"
import type { ChangeSet } from "../../core/change-set.ts"
import { withLogins } from "../../core/logins.ts"
import { withPlaces } from "../../core/places.ts"
import { ageOut } from "../../core/version-changes.ts"
import { versionAt } from "../../core/version.ts"
import type { Commit } from "./commit.ts"
import { placed, runMarkOf, withoutPlace } from "./place.ts"
import type { Work } from "../work.ts"

type Before = {
  readonly work: Work
  readonly document: StateDocument
  readonly clockDoubted: boolean
}
/** Lines of the log that wait for a durable write. */
export type Queued = readonly { readonly at: Date; readonly event: AuditEvent }[]

/** The state as a commit makes it; pure. */
export function nextDocument(
  before: Before,
  commit: Commit,
  { queued, now }: { readonly queued: Queued; readonly now: Date },
): StateDocument {
  const { work, document } = before
  const {
    changeSet: open,
    deferred: aside,
    written,
    offOutputs,
    acting: acted,
    run,
    ...rest
  } = document
  const deferred = deferredBy(commit, aside)
  const acting = commit.acting === undefined ? acted : (commit.acting ?? undefined)
  const set = commit.changeSet === undefined ? open : (commit.changeSet ?? undefined)
  const changeSet = placed(work, open, set, commit)
  const serial = document.serial + 1
  const { secrets, events } = patched(before, commit, now)
  const told = [...(commit.events ?? []), ...events].map((event) => ({ at: now, event }))
  return {
    ...rest,
    serial,
    ...present({ config: work.origin?.config }),
    secrets: owned(before, { ...document.secrets, ...secrets }),
    audit: withLines(before, [...queued, ...told], { serial, set: changeSet ?? open }),
    ...present({ changeSet }),
    ...(deferred.length === 0 ? {} : { deferred }),
    ...present({
      acting,
      run: runMarkOf(work, { changeSet, deferred, acting }, run),
      written: without({ ...written, ...commit.written }),
      offOutputs: without({ ...offOutputs, ...commit.offOutputs }),
    }),
  }
}

/** The change sets that wait for a service; one that is left gives up its place. */
function deferredBy(
  { deferred, leaves = [] }: Commit,
  aside: StateDocument["deferred"],
): readonly ChangeSet[] {
  return (deferred ?? aside ?? []).map((one) => (leaves.includes(one.id) ? withoutPlace(one) : one))
}

function patched(
  before: Before,
  { patches = {} }: Commit,
  now: Date,
): {
  readonly secrets: Readonly<Record<string, SecretState>>
  /** What the change means beside what it says of itself. */
  readonly events: readonly AuditEvent[]
} {
  const events: AuditEvent[] = []
  const changed = Object.entries(patches).map(([name, patch]) => {
    const state = before.document.secrets[name] ?? noState
    const back = noteBack(name, { before: state, next: patch(state) }, now)
    events.push(...back.events)
    const known = withPlaces(state, back.state, before.work.origin?.places?.[name])
    const aged = before.clockDoubted ? known : ageOut(known, now)
    return [name, withListeners(state, aged, before.work.listeners?.[name]?.seen)] as const
  })
  return { secrets: Object.fromEntries(changed), events }
}

/** With the logins that their values are of. */
function owned(
  { work: { origin }, document }: Before,
  secrets: StateDocument["secrets"],
): StateDocument["secrets"] {
  if (origin === undefined) return secrets
  return Object.fromEntries(
    Object.entries(secrets).map(([name, state]) => [
      name,
      withLogins(document.secrets[name], state, origin.logins[name]),
    ]),
  )
}

/** Of a secret that no write has told of. */
export const noState: SecretState = { driver: "", versions: [] }

/** A value that has just become current was proven at the listener that answered. */
function withListeners(
  before: SecretState,
  next: SecretState,
  seen: SecretState["listeners"],
): SecretState {
  const current = versionAt(next, "current")?.id
  const isNew = current !== undefined && current !== versionAt(before, "current")?.id
  return seen === undefined || !isNew ? next : { ...next, listeners: seen }
}

function withLines(
  { work: { actor }, document }: Before,
  lines: Queued,
  { serial, set }: { readonly serial: number; readonly set: ChangeSet | undefined },
): StateDocument["audit"] {
  return lines.reduce((audit, { at, event }) => {
    const incident = event["incident"] ?? set?.incident
    const line = { ...event, ...present({ changeSet: set?.id, incident }) }
    return appendLine(audit, line, { at, serial, actor })
  }, document.audit)
}

function without<Value>(
  values: Readonly<Record<string, Value | null>>,
): Readonly<Record<string, Value>> | undefined {
  const left = Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== null)
  return left.length === 0 ? undefined : Object.fromEntries(left)
}
