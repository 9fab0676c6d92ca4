import { present } from "../../base/present.ts"
import { incidentOf } from "../../core/contained.ts"
import { withIncident } from "../../core/drift.ts"
import type { Finding, Trial, Versions } from "../../core/ports.ts"
import { driverOf } from "../ask.ts"
import { atService } from "../at-service.ts"
import { driftCode } from "../drift.ts"
import { hiddenActOf } from "../elsewhere.ts"
import { errorFinding } from "./finding.ts"
import { owedFindings } from "./owed.ts"
import { probes } from "./probes.ts"
import { underAttack } from "./under-attack.ts"
import type { Round } from "../round.ts"
import type { Session } from "../session.ts"
import type { Strategy } from "../strategy.ts"
import { deadlines } from "../work.ts"
import type { Order } from "../order.ts"

/** What stands against a new value of a secret that has one; an error keeps it out. */
export async function findingsOf(
  session: Session,
  name: string,
  {
    order,
    strategy,
    round,
  }: { readonly order: Order; readonly strategy: Strategy; readonly round: Round },
): Promise<readonly Finding[]> {
  if (session.isOpen(name) && order.overtakes?.includes(name) !== true) return [journalOpen]
  const hidden = hiddenActOf(session, name)
  if (hidden !== undefined) return [{ ...hidden, severity: "error" }]
  const trial = order.trial === true
  if (strategy.overrulesService)
    return underAttack(session, name, {
      trial,
      ...(strategy.waitsForSilentServers ? {} : { round }),
    })
  const versions = await session.versions(name)
  if (versions.current === undefined) return [secretNew]
  const owed = await owedFindings(session, name, {
    versions,
    ...present({ takenFirst: order.takenFirst }),
  })
  return owed.length > 0 ? owed : askService(session, name, { versions, trial })
}

const journalOpen = errorFinding(
  "journal-open",
  "an earlier rotation of it is not finished: its service has given no clear answer yet",
  "mycelium run, or the same command again, asks it again",
)
const secretNew = errorFinding(
  "secret-new",
  "it has no value that mycelium knows",
  "take over the value that exists with mycelium adopt, or make a first one with rotate-now --new",
)

async function askService(
  session: Session,
  name: string,
  { versions, trial }: Trial & { readonly versions: Versions },
): Promise<readonly Finding[]> {
  const driver = driverOf(session, name)
  const said = await atService(session, name, deadlines.preflight, (signal) =>
    driver.preflight(versions, signal, { trial }),
  )
  const place = `${session.work.environment}/${name}`
  const findings = said.map((one) => withIncident(one, place, incidentOf(session.state(name))))
  // Without an admin the secret's own login is the way in: what it is refused may be the value, or
  // more than that.
  if (driver.deleteLogin === undefined && findings.some(({ code }) => code === "password-refused"))
    return refusedOwn(session, name, findings)
  if (driver.overlap === "none" || findings.some((one) => one.severity === "error")) return findings
  return [...findings, ...(await probes(session, name))]
}

async function refusedOwn(
  session: Session,
  name: string,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  const [answer] = await probes(session, name)
  return answer?.code === driftCode
    ? findings.map((one) => (one.code === "password-refused" ? { ...one, code: driftCode } : one))
    : findings
}
