import { present } from "../../base/present.ts"
import type { AuditEvent } from "../../core/audit-line.ts"
import { type Patch, type SecretState } from "../../core/state.ts"
import type { Version } from "../../core/version.ts"
import { changeVersion } from "../../core/version-changes.ts"
import { elsewhere, expelledAt, unaskedIn, withoutPlaces } from "../../core/places.ts"
import type { Death } from "../death.ts"
import { driftCode, driftNotes } from "../drift.ts"
import type { Revoked } from "./revoked.ts"
import type { Session } from "../session.ts"

export async function noteRevoked(
  session: Session,
  deaths: readonly Revoked[],
): Promise<readonly Revoked[]> {
  const revoked = deaths.map((one) => withUnasked(session, one))
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  const since = session.work.host.now().toISOString()
  const drifted = driftNotes(
    session,
    revoked.flatMap(({ secret, death }) =>
      death.kind === "owed" && death.code === driftCode ? [secret] : [],
    ),
  )
  events.push(...drifted.events)
  for (const one of revoked) {
    const { secret, version, death } = one
    if (isNothingNew(session, one) || (death.kind === "owed" && death.code === driftCode)) continue
    events.push({ ...eventOf(session, secret, version), ...whatOf(death, version) })
    const earlier = patches[secret] ?? ((state: SecretState) => state)
    if (death.kind !== "dead") {
      patches[secret] = (state) => held(version, death)(earlier(state))
      continue
    }
    const at = asked(session, secret)
    const kept: Patch = version === undefined ? (state) => state : died(version, since, at)
    patches[secret] = (state) => ended(death, at)(kept(earlier(state)))
  }
  for (const [secret, note] of Object.entries(drifted.patches)) {
    const earlier = patches[secret] ?? ((state: SecretState) => state)
    patches[secret] = (state) => note(earlier(state))
  }
  if (events.length > 0) await session.commit({ patches, events, flush: true })
  return revoked
}

/** `at`: the servers that have refused it. */
function died(version: string, since: string, at: readonly string[]): Patch {
  const retire = changeVersion(version, (old) => withoutPlaces(retired(old, since), at))
  return (state) => {
    const { revokeHeld, ...rest } = retire(state)
    return revokeHeld === undefined || revokeHeld.version === version
      ? rest
      : { ...rest, revokeHeld }
  }
}

/** For those who look without a key: a program that is not healthy, a service that is silent. */
function held(
  version: string | undefined,
  { code, message, hint }: Exclude<Death, { readonly kind: "dead" }>,
): Patch {
  if (version === undefined) return (state) => state
  return (state) => ({ ...state, revokeHeld: { version, code, message, ...present({ hint }) } })
}

/** The servers that a login was tried at. */
function asked({ work }: Session, secret: string): readonly string[] {
  return work.origin?.places?.[secret] ?? []
}

/** One that was dead elsewhere is as old as that. */
function retired(old: Version, since: string): Version {
  return old.stage.kind === "retired" ? old : { ...old, stage: { kind: "retired", since } }
}

function withUnasked(session: Session, one: Revoked): Revoked {
  const { secret, version, death } = one
  const found = session.state(secret).versions.find(({ id }) => id === version)
  if (death.kind !== "dead" || found === undefined) return one
  const unasked = elsewhere(found, asked(session, secret))
  return unasked.length === 0 ? one : { ...one, death: { ...death, unasked } }
}

function whatOf(
  death: Death,
  version: string | undefined,
): Omit<AuditEvent, "secret" | "version"> & { readonly event: string } {
  if (death.kind !== "dead") return { event: "revoke-failed", code: death.code }
  const { sessionsEnded, notes, unasked, expelled: { sessionsLeft: left } = {} } = death
  const said =
    left === undefined
      ? {}
      : {
          sessionsLeft: left.code,
          sessionsSays: left.message,
          ...present({ sessionsHint: left.hint }),
        }
  return {
    event: version === undefined ? "revoke-others" : "revoke",
    sessionsEnded,
    ...present({ notes, unasked }),
    ...said,
  }
}

/** Sessions that could not be ended were tried again, and cannot be ended still. */
export function isNothingNew(session: Session, { secret, version, death }: Revoked): boolean {
  const { contained } = session.state(secret)
  if (version !== undefined || contained?.owes === true || contained?.sessions === undefined)
    return false
  if (death.kind !== "dead") return death.kind === "owed" && death.code !== "no-counter-proof"
  return (
    death.sessionsEnded === 0 &&
    death.expelled?.sessionsLeft?.message === contained.sessions.message
  )
}

/** The containment owes nothing more at the servers that were asked. */
function ended(
  { expelled }: Extract<Death, { readonly kind: "dead" }>,
  places: readonly string[],
): Patch {
  return ({ contained, ...state }) => {
    if (contained === undefined) return state
    if (expelled === undefined) return { ...state, contained }
    const { owes: _owes, sessions: _sessions, ...rest } = contained
    const { acceptedAt } = expelled
    const dated =
      acceptedAt === undefined
        ? state
        : changeVersion(rest.version, (version) => ({ ...version, acceptedAt }))(state)
    const next = {
      ...dated,
      contained: {
        ...rest,
        ...present({ sessions: expelled.sessionsLeft }),
      },
    }
    return expelledAt(next, places)
  }
}

function eventOf(
  session: Session,
  secret: string,
  version: string | undefined,
): Omit<AuditEvent, "event"> {
  const state = session.state(secret)
  const stage = state.versions.find((one) => one.id === version)?.stage
  const isLate = unaskedIn(state).some((one) => one.version === version)
  const incident =
    version === undefined || isLate || (stage?.kind === "previous" && stage.revokeOthers === true)
      ? state.contained?.incident
      : undefined
  return {
    secret,
    ...present({ version, incident }),
  }
}
