import { otherMycelium } from "../../core/drift.ts"
import { within } from "../../base/deadline.ts"
import { driftRemedy, withIncident } from "../../core/drift.ts"
import type { Credential, Driver, Finding, Heard, Probe, Versions } from "../../core/ports.ts"
import { type Report, defineCheck } from "./check.ts"

/**
 * Would a rotation get in? Each service is asked what preflight asks: rights, a wrong value, the
 * current one.
 */

export type CheckedLogin = {
  /** "production/postgres". */
  readonly place: string
  readonly driver: Driver
  /** It is, or was, contained in this: an older value may be the one that leaked. */
  readonly incident?: string
  /** Opened now. */
  readonly versions: () => Promise<Versions>
  /** Like this version, with a random value that no account has. */
  readonly wrong: (like: Credential) => Credential
}

export type Logins = {
  readonly logins: readonly CheckedLogin[]
  /** How long one question may take; all services are asked side by side. */
  readonly withinMs: number
  /** The places whose current value was accepted are put in here. */
  readonly accepted: Set<string>
}

type Code = "accepts-anything" | "no-answer" | "current-refused"

export const logins = defineCheck<Code, Logins>({
  name: "logins",
  faults: {
    "accepts-anything": {
      severity: "error",
      remedy:
        "make it ask for passwords from this address (PostgreSQL: " +
        "no trust or peer line in pg_hba.conf; Redis: no nopass)",
    },
    "no-answer": {
      severity: "error",
      remedy: "see that it runs and can be reached from here, at the address in the config",
    },
    "current-refused": {
      severity: "error",
      remedy:
        "mycelium reconcile finds out whether an older version works; mycelium adopt takes over " +
        `what a person has set; ${otherMycelium}`,
    },
  },
  inspect: async ({ logins: all, withinMs, accepted }, report) => {
    await Promise.all(
      all.map((one) =>
        ask(one, { withinMs, accepted }, report).catch((error: unknown) =>
          report.failed(error, one.place),
        ),
      ),
    )
    // One without a value is not asked about.
    const count = all.filter(({ place }) => accepted.has(place)).length
    if (count === 0) return "no service is asked for any value"
    return count === 1
      ? "the service of 1 secret accepts the current value and refuses a wrong one"
      : `the services of ${count} secrets accept the current value and refuse a wrong one`
  },
})

type Asking = Omit<Logins, "logins">

async function ask(login: CheckedLogin, asking: Asking, report: Report<Code>): Promise<void> {
  const { place, driver, incident } = login
  const { withinMs } = asking
  const versions = await login.versions()
  const { current } = versions
  if (current === undefined) return
  const findings = await within(withinMs, (signal) =>
    driver.preflight(versions, signal, { trial: true }),
  )
  // Without an admin, preflight comes in by the current value itself: what it is refused is asked
  // about below, beside a wrong one.
  const refused =
    driver.deleteLogin === undefined
      ? findings.find(({ code }) => code === "password-refused")
      : undefined
  if (refused !== undefined && (await isRefused(login, current, withinMs)))
    return report.found("current-refused", `${place}: ${refused.message}`, {
      remedy: driftRemedy(place, incident),
    })
  for (const finding of findings) report.passed(at(place, withIncident(finding, place, incident)))
  if (findings.some(({ severity }) => severity === "error")) return
  await askByLogins(login, current, asking, report)
}

/** By logins of its own: with a wrong value, and then with the current one. */
async function isRefused(
  { driver, wrong }: CheckedLogin,
  current: Credential,
  withinMs: number,
): Promise<boolean> {
  return (
    (await probe(driver, wrong(current), withinMs)) === "refused" &&
    (await probe(driver, current, withinMs)) === "refused"
  )
}

/** A random wrong value first: only where that is refused does an answer prove anything. */
async function askByLogins(
  { place, driver, incident, wrong }: CheckedLogin,
  current: Credential,
  { withinMs, accepted }: Asking,
  report: Report<Code>,
): Promise<void> {
  const heard: string[] = []
  const hear: Heard = ({ code, message }) => heard.push(`${message} (${code})`)
  const control = await probe(driver, wrong(current), withinMs, hear)
  if (control === "accepted")
    return report.found(
      "accepts-anything",
      `${place}: the service accepts a random wrong value, so no login proves anything`,
    )
  const answer = control === "unknown" ? "unknown" : await probe(driver, current, withinMs, hear)
  if (answer === "accepted") accepted.add(place)
  if (answer === "unknown")
    report.found(
      "no-answer",
      `${place}: ${["the service gives no clear answer to a login", ...heard.slice(-1)].join(": ")}`,
    )
  if (answer === "refused")
    report.found("current-refused", `${place}: the service refuses the current value`, {
      remedy: driftRemedy(place, incident),
    })
}

/** What goes wrong on the way is "unknown", never "refused". */
async function probe(
  driver: Driver,
  candidate: Credential,
  withinMs: number,
  heard?: Heard,
): Promise<Probe> {
  return within(withinMs, (signal) => driver.probe(candidate, signal, heard)).catch(
    () => "unknown" as const,
  )
}

function at(place: string, finding: Finding): Finding {
  return { ...finding, message: `${place}: ${finding.message}` }
}
