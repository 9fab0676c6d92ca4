import type { Fields, Finding, Trial } from "../../core/ports.ts"
import { versionAt } from "../../core/version.ts"
import { driverOf } from "../ask.ts"
import { atService } from "../at-service.ts"
import { errorFinding } from "./finding.ts"
import type { Session } from "../session.ts"
import { deadlines } from "../work.ts"

/** A secret without a value: `readInstalled` refuses if one is visibly in use. */
export async function firstValueFindings(
  session: Session,
  name: string,
  { initialValues, trial }: Trial & { readonly initialValues: Record<string, Fields> },
): Promise<readonly Finding[]> {
  const driver = driverOf(session, name)
  if (session.isOpen(name)) return [onItsWay]
  if (versionAt(session.state(name), "current") !== undefined) return [valueExists]
  const findings = await atService(session, name, deadlines.preflight, (signal) =>
    driver.preflight({ uncertain: [] }, signal, { trial }),
  )
  if (findings.some((one) => one.severity === "error") || driver.readInstalled === undefined)
    return findings
  const stored = await atService(
    session,
    name,
    deadlines.preflight,
    (signal) => driver.readInstalled?.(signal) ?? Promise.resolve(undefined),
  )
  if (stored !== undefined) initialValues[name] = stored
  return findings
}

const onItsWay = errorFinding(
  "journal-open",
  "its first value is on its way, and its service has given no clear answer yet",
  "mycelium run, or the same command again, asks it again",
)
const valueExists = errorFinding(
  "value-exists",
  "it has a value already",
  "leave out --new to rotate it",
)
