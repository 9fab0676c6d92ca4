import { incidentOf } from "../../core/contained.ts"
import { driftRemedy } from "../../core/drift.ts"
import type { Fields, Finding, Versions } from "../../core/ports.ts"
import { driverOf, probe, probeControl, unclear } from "../ask.ts"
import { driftCode } from "../drift.ts"
import { errorFinding } from "./finding.ts"
import type { Session } from "../session.ts"

/**
 * `whole`: what the service says to the current value matters; with an admin, a containment goes on
 * whatever that is.
 */
export async function probes(
  session: Session,
  name: string,
  { whole = true }: { readonly whole?: boolean } = {},
): Promise<readonly Finding[]> {
  const { current, ...others } = await session.versions(name)
  const control = await probeControl(
    session,
    name,
    current ?? { version: "control", fields: draftOf(session, name, others) },
  )
  if (control === "accepted") return [acceptsAnything]
  if (control === "unknown") return [noAnswer(session, name)]
  if (!whole || current === undefined) return []
  const answer = await probe(session, name, current)
  if (answer === "accepted") return []
  if (answer === "unknown") return [noAnswer(session, name)]
  return [
    errorFinding(
      driftCode,
      "the service refuses the current value",
      driftRemedy(`${session.work.environment}/${name}`, incidentOf(session.state(name))),
    ),
  ]
}

/** Never handed out. */
export function draftOf(session: Session, name: string, versions: Versions): Fields {
  return driverOf(session, name).generate(versions, (field, length) =>
    session.work.text(`${name}.${field}`, length),
  )
}

const acceptsAnything = errorFinding(
  "accepts-anything",
  "the service accepts a random wrong value, so no login proves anything",
  "make it ask for passwords from this address (PostgreSQL: " +
    "no trust or peer line in pg_hba.conf; Redis: no nopass)",
)

function noAnswer(session: Session, name: string): Finding {
  const fault = session.faults.get(name)
  return fault === undefined
    ? errorFinding(
        "no-answer",
        unclear(session, name, "the service gives no clear answer to a login"),
        "see that it runs and can be reached from here",
      )
    : errorFinding(
        fault.code,
        fault.message,
        fault.hint ?? "see that it runs and can be reached from here",
      )
}
