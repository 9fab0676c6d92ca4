import { isOutOfSight } from "../../rotate/work.ts"
import type { EnvironmentRun } from "./environment-run.ts"

/** How long (ms) after a run that left something open the next one comes. */
export function tryAgainMs(run: EnvironmentRun, failures: number): number {
  return waitsForPerson(run) ? lateMs(failures) : soonMs(failures)
}

/** What is still open is tried again soon: after 2 s, 4 s … at most a minute. */
export function soonMs(failures: number): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(failures, 6))
}

/**
 * After 4 s, 8 s … at most half an hour. A person who has helped runs rotate-now, and need not
 * wait.
 */
function lateMs(failures: number): number {
  return Math.min(1_800_000, 2000 * 2 ** Math.min(failures, 10))
}

/**
 * Only a person can help: the service has refused all that we know, a program may still run where
 * we cannot see it, or an output cannot be written. Each try costs the service logins that fail, and
 * the log a line.
 */
export function waitsForPerson({
  outcomes,
  revoked,
  unwritten = [],
}: Pick<EnvironmentRun, "outcomes" | "revoked"> &
  Partial<Pick<EnvironmentRun, "unwritten">>): boolean {
  const owed = revoked.flatMap(({ death }) => (death.kind === "dead" ? [] : [death]))
  const open = Object.values(outcomes).filter(
    (one) => one.kind === "stuck" || one.kind === "waiting",
  )
  if (open.length === 0 && owed.length === 0) return unwritten.length > 0
  if (open.length === 0) return owed.every(({ code }) => isOutOfSight(code))
  return open.every(
    ({ kind, code }) => kind === "stuck" || code === "not-settled" || isOutOfSight(code),
  )
}
