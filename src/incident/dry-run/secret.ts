import { present } from "../../base/present.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { bothUsers, sayOneUser } from "../../app/one-user.ts"
import { isEntry } from "../../core/entry.ts"
import type { Driver, Finding, Versions } from "../../core/ports.ts"
import { acceptedElsewhere, sayAcceptedElsewhere, serverLeft } from "../../core/places.ts"
import { versionAt } from "../../core/version.ts"
import { sayListeners } from "../../plugins/drivers/server/listener.ts"
import { driverOf } from "../../rotate/ask.ts"
import { readersWithinMs } from "../../rotate/entry-readers.ts"
import type { preflight } from "../../rotate/preflight.ts"
import type { Session } from "../../rotate/session.ts"
import type { Outcome } from "../../rotate/work.ts"
import { type Cutting, gapOf } from "./gap.ts"
import type { DryRun, DryRunOptions } from "./plan.ts"
import type { Found } from "./unfinished.ts"

/** What a dry run says of one secret. */

type About = {
  readonly left: Awaited<ReturnType<typeof preflight>>["left"]
} & Cutting

export async function describeSecret(
  session: Session,
  name: string,
  about: About,
  findings: readonly Finding[],
): Promise<DryRun["secrets"][number]> {
  const { left, contain, oneUser } = about
  const driver = driverOf(session, name)
  const versions = await session.versions(name)
  const blocked = left[name]
  return {
    name,
    apply: driver.describe(versions),
    gap: gapOf(session, name, about),
    revoke:
      contain !== undefined && driver.overlap !== "none"
        ? expulsion(driver, versions, findings)
        : revokeBy(laterBy(session, name))[driver.overlap],
    ...(contain !== undefined && sessionsMayLive(driver, versions, findings)
      ? { sessionsMayLive: true as const }
      : {}),
    notes: [
      ...findings.filter((one) => one.severity !== "error").map((one) => one.message),
      ...notAsked(session, name),
      ...sayListeners(session.work.listeners?.[name]),
      ...oneUser.map((file) => `${sayOneUser(file, name)}; ${bothUsers(name)}`),
    ],
    hints: findings.flatMap(({ severity, remedy }) =>
      severity === "error" || remedy === undefined ? [] : [remedy],
    ),
    ...(blocked?.kind === "left" ? { blocked: obstacleIn(blocked) } : {}),
  }
}

/** Servers that have left the config: what a revoke will say. */
function notAsked(session: Session, name: string): readonly string[] {
  const present = session.work.origin?.places?.[name]
  const left = acceptedElsewhere(session.state(name), present)
  return left.length === 0 ? [] : [`${sayAcceptedElsewhere(left)} (${serverLeft})`]
}

function obstacleIn({
  code,
  message,
  hint,
}: Extract<Outcome, { readonly kind: "left" }>): DryRun["secrets"][number]["blocked"] & {} {
  return { code, message, ...present({ hint }) }
}

/** What a rotation does with the old value. */
function revokeBy(later: string): Readonly<Record<Driver["overlap"], string>> {
  return {
    both: `the old value ${later}, proven by a refused login`,
    one: "the old value is dead at once, proven by a refused login",
    none: "the old value is kept, sealed",
  }
}

/** The longer of its grace and what programs that read an entry may go on with. */
function laterBy(session: Session, name: string): string {
  const graceMs = session.work.policies[name]?.graceMs ?? 0
  const entries = session.outputsOf([name]).filter((output) => isEntry(output))
  const withinMs = readersWithinMs(entries)
  if (withinMs <= graceMs) return `${formatDuration(graceMs)} later`
  return (
    `${formatDuration(withinMs)} later, since programs may go on so long with what they have ` +
    `read of ${entries.map(({ target }) => target).join(", ")}`
  )
}

/** What a containment does about everything from before. */
function expulsion(driver: Driver, versions: Versions, findings: readonly Finding[]): string {
  const { revokeOthers, overlap } = driver
  const known = revokeOthers === undefined && overlap === "both"
  const sessionsLive = sessionsMayLive(driver, versions, findings)
  return (
    `${known ? "every older value that mycelium knows, at once" : "every value but the new one at once, no matter who has set it"}; ` +
    `${sessionsLive ? "sessions that were opened before may live (see 1)" : "every older session ends"}; ` +
    "proven by refused logins"
  )
}

/** Where no service is asked, there are none. */
function sessionsMayLive(
  { revokeOthers, overlap }: Driver,
  { current }: Versions,
  findings: readonly Finding[],
): boolean {
  return (
    overlap !== "none" &&
    (findings.some(({ sessions }) => sessions === true) ||
      (revokeOthers === undefined && current === undefined))
  )
}

/** They stand in the plan, with what keeps them. */
export function heldOnes(
  session: Session,
  held: Found["held"],
  { contain }: DryRunOptions,
): Promise<DryRun["secrets"]> {
  return Promise.all(
    Object.entries(held)
      .filter(([name]) => session.work.drivers[name] !== undefined)
      .map(([name, { code, message, hint }]) =>
        describeSecret(
          session,
          name,
          {
            left: {
              [name]: { kind: "left", code, message, ...present({ hint }) },
            },
            contain,
            oneUser: [],
            bothUsers: [],
            leaves: [],
            programs: [],
          },
          [],
        ),
      ),
  )
}

/**
 * Of a secret without a known value: what its outputs show is sealed before anything is changed.
 */
export function takenNote(session: Session, name: string): Finding {
  const message =
    versionAt(session.state(name), "current") === undefined
      ? "mycelium knows no value of it that works"
      : "not adopted yet: what its output shows is taken over first"
  return { code: "value-unknown", severity: "info", message }
}

export const noWayBack: Finding = {
  code: "no-way-back",
  severity: "warning",
  message: "a first value cannot go back: what the service holds now cannot be read",
}
