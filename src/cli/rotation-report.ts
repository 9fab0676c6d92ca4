import type { Report } from "../app/rotate-now.ts"
import { formatDuration } from "../base/text/duration.ts"
import { revokeWaits } from "../core/held-up.ts"
import { driftCode } from "../rotate/drift.ts"
import type { Outcome } from "../rotate/work.ts"
import { deathLines } from "./death.ts"
import { exitCodes } from "./exit-codes.ts"
import { wayOut } from "./way-out.ts"
import { hintLines, sayIf, unhealthyHint } from "./words.ts"

/** What a rotation of one environment has done, for a person. */
export function rotationLines(report: Report, now: Date): readonly string[] {
  const { environment } = report
  const lines = [
    ...Object.entries({ ...report.recovered, ...report.outcomes }).flatMap(([secret, outcome]) =>
      outcomeLines(environment, secret, outcome),
    ),
    ...report.revoked.flatMap((one) => deathLines(environment, one)),
    ...owedLines(report, now),
    ...(report.untouched.length === 0
      ? []
      : [
          `${environment}: without a value, left alone: ${report.untouched.join(", ")} ` +
            "(adopt, or rotate-now --new)",
        ]),
  ]
  return lines.length === 0 ? [`${environment}: nothing to rotate`] : lines
}

export function outcomeLines(
  environment: string,
  secret: string,
  outcome: Outcome,
): readonly string[] {
  const name = `${environment}/${secret}`
  if (outcome.kind === "rotated") {
    const but = [outcome.unhealthy, outcome.owes]
      .map((one) => sayIf(one, (text) => `, BUT ${text}`))
      .join("")
    return [
      `${name}: rotated, ${outcome.version} is current${but}`,
      ...hintLines(outcome.unhealthy === undefined ? undefined : unhealthyHint),
      ...(outcome.owes === undefined ? [] : [notWritten]),
    ]
  }
  const words = {
    left: "left as it was",
    "rolled-back": "went back to the old value",
    waiting: "not decided yet",
    stuck: "STUCK",
  }[outcome.kind]
  return [
    `${name}: ${words}: ${outcome.message} (${outcome.code})`,
    ...(outcome.kind === "left" ? hintLines(outcome.hint) : []),
    ...(outcome.code === "back-unhealthy" ? [backUnhealthy] : []),
    ...(outcome.kind === "waiting" ? [stillOpen] : []),
    ...wayOut(environment, outcome),
  ]
}

const notWritten =
  "  the old value stays accepted until then: mycelium run writes the entry when its manager answers"
const backUnhealthy =
  "  that program may be down, or still use the value that was given up: see to it now; " +
  "mycelium explain back-unhealthy"
const stillOpen = "  the journal is open: the same command, or mycelium run, asks the service again"

/** Old values that stay accepted until their grace is over. */
function owedLines({ environment, owed, revoked, open }: Report, now: Date): readonly string[] {
  return notTried({ owed, revoked }).map(({ secret, version, revokeAt }) => {
    const place = `${environment}/${secret}`
    const leftMs = Date.parse(revokeAt) - now.getTime()
    const isOpen = open.includes(secret)
    const then = isOpen ? revokeWaits : "mycelium run, or the next rotate-now, revokes it"
    if (leftMs <= 0) return `${place}: ${version} is NOT proven dead yet: ${then}`
    const end = isOpen ? `then ${then}` : `${then} then`
    return `${place}: ${version} stays accepted for ${formatDuration(leftMs)}; ${end}`
  })
}

function notTried({ owed, revoked }: Pick<Report, "owed" | "revoked">): Report["owed"] {
  return owed.filter(
    (one) =>
      !revoked.some(({ secret, version }) => secret === one.secret && version === one.version),
  )
}

/** A grace that is over, and no one has tried to revoke the value since. */
function isOverdue(report: Report, now: Date): boolean {
  return notTried(report).some(({ revokeAt }) => Date.parse(revokeAt) <= now.getTime())
}

export function exitOfRotations(reports: readonly Report[], now: Date): number {
  const outcomes = reports.flatMap((report) =>
    Object.values({ ...report.recovered, ...report.outcomes }),
  )
  const deaths = reports.flatMap((report) => report.revoked.map((one) => one.death))
  if (
    outcomes.some(needsPerson) ||
    deaths.some((one) => one.kind !== "dead") ||
    reports.some((report) => isOverdue(report, now))
  )
    return exitCodes.person
  const good = outcomes.filter(
    (one) => one.kind === "rotated" && one.unhealthy === undefined && one.owes === undefined,
  ).length
  const nothingDone = outcomes.length === 0 && reports.some((report) => report.untouched.length > 0)
  if (good === outcomes.length && !nothingDone) return exitCodes.done
  return outcomes.some((one) => one.kind === "rotated") ? exitCodes.partly : exitCodes.failed
}

export function needsPerson(one: Outcome): boolean {
  return (
    (one.kind === "left" && one.code === driftCode) ||
    one.kind === "stuck" ||
    one.kind === "waiting" ||
    (one.kind === "rolled-back" && one.code === "back-unhealthy")
  )
}
