import type { AuditEvent } from "../core/audit-line.ts"
import type { Patch } from "../core/state.ts"
import { probe, probeControl } from "./ask.ts"
import { hiddenActOf } from "./elsewhere.ts"
import type { Session } from "./session.ts"

/**
 * The code of a service that refuses the current value, while it refuses a wrong one, too: nothing
 * of it is rotated or revoked until a person acts.
 */
export const driftCode = "current-refused"

/**
 * A refusal proves drift only with its counter-proof: the service answers, and does not take just
 * anything.
 */
export async function hasDrifted(session: Session, name: string): Promise<boolean> {
  const { current } = await session.versions(name)
  if (current === undefined) return false
  return (
    (await probeControl(session, name, current)) === "refused" &&
    (await probe(session, name, current)) === "refused"
  )
}

/** Written down as the watch does it: at once, and once. */
export function driftNotes(
  session: Session,
  names: readonly string[],
): { readonly patches: Readonly<Record<string, Patch>>; readonly events: readonly AuditEvent[] } {
  const since = session.work.host.now().toISOString()
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const secret of new Set(names)) {
    const { drift, versions } = session.state(secret)
    const version = versions.find(({ stage }) => stage.kind === "current")?.id
    if (drift !== undefined || version === undefined) continue
    patches[secret] = (state) => ({ ...state, drift: { since, code: driftCode } })
    events.push({ event: "drift", secret, version, code: driftCode })
  }
  return { patches, events }
}

/**
 * What was noted as drifted may be over: it was set back, a role that had expired lives on.
 * One login each; the rest goes on as if nothing had been.
 */
export async function endDrifts(session: Session, secrets?: readonly string[]): Promise<void> {
  const { patches, events } = await driftsOver(session, secrets)
  if (events.length > 0) await session.commit({ patches, events, flush: true })
}

/** What `endDrifts` writes down; it changes nothing. */
export async function driftsOver(
  session: Session,
  secrets?: readonly string[],
): Promise<{
  readonly patches: Readonly<Record<string, Patch>>
  readonly events: readonly AuditEvent[]
}> {
  const noted = Object.entries(session.document.secrets).flatMap(([name, { drift }]) =>
    drift !== undefined &&
    session.work.drivers[name] !== undefined &&
    !session.isOpen(name) &&
    hiddenActOf(session, name) === undefined &&
    (secrets?.includes(name) ?? true)
      ? [name]
      : [],
  )
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  await Promise.all(
    noted.map(async (name) => {
      const { current } = await session.versions(name)
      // A service that has begun to accept anything has not come back.
      if (
        current === undefined ||
        (await probe(session, name, current)) !== "accepted" ||
        (await probeControl(session, name, current)) !== "refused"
      )
        return
      patches[name] = ({ drift: _drift, ...state }) => state
      events.push({ event: "drift-over", secret: name, version: current.version })
    }),
  )
  return { patches, events }
}
