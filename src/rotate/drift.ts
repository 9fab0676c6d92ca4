import type { AuditEvent } from "../core/audit-line.ts"
import type { Patch } from "../core/state.ts"
import { probe, probeControl } from "./ask.ts"
import type { Session } from "./session.ts"

/** The code of a service that refuses the current value, while it refuses a wrong one, too: nothing of it is rotated or revoked until a person acts. */
export const driftCode = "current-refused"

/** A refusal proves drift only with its counter-proof: the service answers, and does not take just anything. */
export async function hasDrifted(session: Session, name: string): Promise<boolean> {
  const { current } = await session.versions(name)
  if (current === undefined) return false
  return (await probeControl(session, name, current)) === "refused" && (await probe(session, name, current)) === "refused"
}

/** Written down as the watch does it: at once, and once. */
export function driftNotes(session: Session, names: readonly string[]): { readonly patches: Readonly<Record<string, Patch>>; readonly events: readonly AuditEvent[] } {
  const since = session.work.host.now().toISOString()
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const secret of new Set(names)) {
    const { drift, versions } = session.state(secret)
    const version = versions.find(({ stage }) => stage.is === "current")?.id
    if (drift !== undefined || version === undefined) continue
    patches[secret] = (state) => ({ ...state, drift: { since, code: driftCode } })
    events.push({ event: "drift", secret, version, code: driftCode })
  }
  return { patches, events }
}
