import type { Finding, Trial } from "../../core/ports.ts"
import { driverOf } from "../ask.ts"
import { atService } from "../at-service.ts"
import { byHand, overrules } from "../overrule.ts"
import { errorFinding } from "./finding.ts"
import { probes } from "./probes.ts"
import type { Round } from "../round.ts"
import type { Session } from "../session.ts"
import { deadlines } from "../work.ts"

/**
 * What an intruder may have left (other values, other sessions, a password that is no longer ours)
 * is what a containment ends. Older values are ended with it. `round` left out: there is time.
 */
export async function underAttack(
  session: Session,
  name: string,
  { round, trial }: Trial & { readonly round?: Round },
): Promise<readonly Finding[]> {
  const driver = driverOf(session, name)
  const versions = await session.versions(name)
  const may = overrules(driver)
  if (versions.current === undefined && !may) return [valueUnknown]
  const look = (signal: AbortSignal): Promise<readonly Finding[]> =>
    driver.preflight(versions, signal, { trial })
  const found = await (round === undefined
    ? atService(session, name, deadlines.preflight, look)
    : round.attempt(name, look))
  const locked = may ? {} : { remedy: byHand(driver) }
  const findings = found.map((one) => inContainment(one, locked))
  if (driver.overlap === "none" || findings.some((one) => one.severity === "error")) return findings
  // An intruder, or a person, has shut the account or opened it to all; the proof comes after that.
  if (found.some((one) => one.yields === true && one.silences === true)) return findings
  const answers = await probes(session, name, { whole: round === undefined || !may })
  return [
    ...findings,
    ...answers.map(
      (one): Finding =>
        one.code === "current-refused" && may
          ? { ...one, severity: "warning", yields: true }
          : { ...one, ...(one.code === "current-refused" ? locked : {}) },
    ),
  ]
}

/** `locked`: the remedy if nothing here can replace the value without knowing it. */
function inContainment(one: Finding, locked: Pick<Finding, "remedy">): Finding {
  if (one.yields === true) return { ...one, severity: "warning" }
  return one.code === "password-refused" ? { ...one, ...locked } : { ...locked, ...one }
}

/** No login works by a value that we know. */
const valueUnknown = errorFinding(
  "value-unknown",
  "its service accepts a value that mycelium does not know, and nothing here can replace it " +
    "without knowing it",
  "put the value that works into the output and take it over with mycelium adopt, " +
    "then the same command again; or change it at the service by hand first (for PostgreSQL and " +
    "Redis, an admin in the config needs neither)",
)
