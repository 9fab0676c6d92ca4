import { present } from "../../base/present.ts"
import type { AuditEvent } from "../../core/audit-line.ts"
import { type Patch, type SecretState } from "../../core/state.ts"
import { changeVersion } from "../../core/version-changes.ts"
import type { Death } from "../death.ts"
import { driftCode, driftNotes } from "../drift.ts"
import type { Revoked } from "./revoked.ts"
import type { Session } from "../session.ts"

export async function noteRevoked(
  session: Session,
  revoked: readonly Revoked[],
): Promise<readonly Revoked[]> {
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
    const kept: Patch = version === undefined ? (state) => state : died(version, since)
    patches[secret] = (state) => ended(death)(kept(earlier(state)))
  }
  for (const [secret, note] of Object.entries(drifted.patches)) {
    const earlier = patches[secret] ?? ((state: SecretState) => state)
    patches[secret] = (state) => note(earlier(state))
  }
  if (events.length > 0) await session.commit({ patches, events, flush: true })
  return revoked
}

function died(version: string, since: string): Patch {
  const retire = changeVersion(version, (old) => ({ ...old, stage: { kind: "retired", since } }))
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

function whatOf(
  death: Death,
  version: string | undefined,
): Omit<AuditEvent, "secret" | "version"> & { readonly event: string } {
  if (death.kind !== "dead") return { event: "revoke-failed", code: death.code }
  const { sessionsEnded, notes, expelled: { sessionsLeft: left } = {} } = death
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
    ...present({ notes }),
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

/** The containment owes nothing more. */
function ended({ expelled }: Extract<Death, { readonly kind: "dead" }>): Patch {
  return ({ contained, ...state }) => {
    if (contained === undefined) return state
    if (expelled === undefined) return { ...state, contained }
    const { owes: _owes, sessions: _sessions, ...rest } = contained
    const { acceptedAt } = expelled
    const dated =
      acceptedAt === undefined
        ? state
        : changeVersion(rest.version, (version) => ({ ...version, acceptedAt }))(state)
    return {
      ...dated,
      contained: {
        ...rest,
        ...present({ sessions: expelled.sessionsLeft }),
      },
    }
  }
}

function eventOf(
  session: Session,
  secret: string,
  version: string | undefined,
): Omit<AuditEvent, "event"> {
  const state = session.state(secret)
  const stage = state.versions.find((one) => one.id === version)?.stage
  const incident =
    version === undefined || (stage?.kind === "previous" && stage.revokeOthers === true)
      ? state.contained?.incident
      : undefined
  return {
    secret,
    ...present({ version, incident }),
  }
}
