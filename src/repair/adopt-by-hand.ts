import type { AuditEvent } from "../core/audit-line.ts"
import type { Fields } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { type Patch } from "../core/state.ts"
import type { Version } from "../core/version.ts"
import { nextVersionId } from "../core/version-changes.ts"
import type { Session } from "../rotate/session.ts"
import { type Asked, type SuppliedValues, fieldsOf, knownAs } from "./adoptable.ts"
import { longRetryBudget, resumeWithRetries } from "../app/retry-budget.ts"

/**
 * A journal that cannot end, for an output shows a value that no service is asked about and that is
 * in no version: nothing
 * is written over it. It is sealed, so nothing is lost with the file any more, and the journal goes
 * on. Returns what was
 * sealed: once the journal has ended, a person's value is taken over like any other.
 */
export async function sealByHand(session: Session, ask: Asked): Promise<SuppliedValues> {
  if (session.changeSet === undefined) return {}
  const { vault, host, drivers } = session.work
  const given: Record<string, SuppliedValues[string]> = {}
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const name of Object.keys(drivers).filter((one) => drivers[one]?.overlap === "none")) {
    const fields = await fieldsIn(session, name, ask)
    const password = fields?.["password"]
    if (fields === undefined || !(password instanceof Secret)) continue
    if ((await knownAs(session, name, fields)) !== undefined) continue
    const id = nextVersionId(session.state(name))
    const now = host.now().toISOString()
    const version: Version = {
      id,
      madeAt: now,
      adopted: "undated",
      stage: { kind: "retired", since: now },
      ...(await vault.seal(name, { version: id, fields })),
    }
    given[name] = { password }
    patches[name] = (state) => ({ ...state, versions: [...state.versions, version] })
    events.push({ event: "adopt", secret: name, version: id, code: "journal-open" })
  }
  if (events.length === 0) return {}
  await session.commit({ patches, events, flush: true })
  await resumeWithRetries(session, longRetryBudget)
  return given
}

/** What cannot be told is not taken over: why is said where it is asked for. */
async function fieldsIn(session: Session, name: string, ask: Asked): Promise<Fields | undefined> {
  try {
    return fieldsOf(session, name, await ask.found(name))
  } catch {
    return undefined
  }
}
