import type { AuditEntry } from "../../record/audit-read.ts"
import { owedIn } from "../../core/unwritten.ts"
import { namesOf, textOf } from "./entry.ts"
import type { Source } from "./source.ts"

/** What became of the programs that an incident was to restart, by the log and the state; pure. */

export type Restart = {
  readonly deployment: string
  readonly at: string
  readonly healthy: boolean
  /** Its restart has failed to this day: it may hold the old value. */
  readonly notRestarted?: true
  /** The kind of its health check, or "none". */
  readonly health: string
}
export type Unhealthy = {
  readonly environment: string
  readonly deployment: string
  readonly at: string
  readonly notRestarted?: true
}

/** A restart, or a later look at a program that had not got healthy. */
export function ofProgram({ event }: AuditEntry): boolean {
  return event === "restart" || event === "health"
}

function deploymentOf(entry: AuditEntry): string {
  return textOf(entry, "deployment") ?? ""
}

/** Programs that are not restarted yet, whatever their health check says. */
export function owedPrograms({ document }: Pick<Source, "document">): ReadonlySet<string> {
  return new Set(owedIn(document).programs)
}

/** Whether it was restarted then; undefined: an older Mycelium has not said so. */
function wasRestarted(entry: AuditEntry | undefined): boolean | undefined {
  const restarted = entry?.["restarted"]
  if (typeof restarted === "boolean") return restarted
  return entry?.["healthy"] === true ? true : undefined
}

/** What to call a restart, or a later look at a program, that did not end well. */
export function faultIn(entry: AuditEntry): "restart-failed" | "deployment-unhealthy" {
  return wasRestarted(entry) === false ? "restart-failed" : "deployment-unhealthy"
}

/** As the line has it, unless the program's last restart failed. */
export function restartOf(source: Source, line: AuditEntry): Restart {
  const deployment = deploymentOf(line)
  const tried = source.entries.findLast(
    (entry) => entry.event === "restart" && deploymentOf(entry) === deployment,
  )
  // One that was restarted can still be owed another restart, if one of its files is not written.
  const isOld = !(wasRestarted(tried) ?? !owedPrograms(source).has(deployment))
  return {
    deployment,
    at: isOld ? (tried ?? line).at : line.at,
    healthy: line["healthy"] === true && !isOld,
    ...(isOld ? { notRestarted: true as const } : {}),
    health: textOf(line, "health") ?? "none",
  }
}

/**
 * What became of a program since this line: if it was unhealthy then, whatever run found it healthy
 * or restarted it well later. Its restart then read a file that shows the new value still.
 */
export function sinceThen(source: Source, line: AuditEntry): AuditEntry {
  if (line["healthy"] === true) return line
  const later = source.entries.filter(
    (entry) => entry.n > line.n && ofProgram(entry) && deploymentOf(entry) === deploymentOf(line),
  )
  const well = later.find((entry) => entry["healthy"] === true && !isBeforeRestart(source, entry))
  return well ?? later.at(-1) ?? line
}

/**
 * Programs of these restarts that do not work with the new values, as far as is known. Whatever
 * restarted one later speaks of today, too.
 */
export function unhealthyIn(source: Source, restarts: readonly AuditEntry[]): readonly Unhealthy[] {
  const ours = new Set(restarts.map(deploymentOf))
  const last = new Map(
    source.entries.filter(ofProgram).map((entry) => [deploymentOf(entry), entry]),
  )
  return [...last.values()]
    .filter((entry) => ours.has(deploymentOf(entry)))
    .map((entry) => restartOf(source, entry))
    .filter(({ healthy }) => !healthy)
    .map(({ deployment, at, notRestarted }) => ({
      environment: source.environment,
      deployment,
      at,
      ...(notRestarted === true ? { notRestarted } : {}),
    }))
}

/**
 * A look at the health of a program whose restart was still owed then: what followed is a restart
 * that no rotation asked for, or nothing.
 */
export function isBeforeRestart(source: Source, line: AuditEntry): boolean {
  if (line.event !== "health") return false
  const own = source.entries.filter(
    (entry) => entry.event === "restart" && deploymentOf(entry) === deploymentOf(line),
  )
  const restarted = wasRestarted(own.findLast(({ n }) => n < line.n))
  if (restarted !== undefined) return !restarted
  const next = own.find(({ n }) => n > line.n)
  return next === undefined
    ? owedPrograms(source).has(deploymentOf(line))
    : next["changeSet"] === undefined
}

/** It says what the line before it of the same program has said. */
export function isNoNews(source: Source, line: AuditEntry): boolean {
  if (line.event !== "health" || line["healthy"] !== true) return false
  const before = source.entries.findLast(
    (entry) => entry.n < line.n && ofProgram(entry) && deploymentOf(entry) === deploymentOf(line),
  )
  return before?.["healthy"] === true && !isBeforeRestart(source, line)
}

/**
 * When each program that takes a value had restarted since it was made: where no service asks for
 * it, the old one is worth nothing from then on. One that is unhealthy has restarted, too.
 */
export function restartedAt(
  source: Source,
  secret: string,
  { from, tried }: { readonly from: number; readonly tried: readonly AuditEntry[] },
): readonly string[] {
  const all = source.entries.filter(
    (entry) =>
      entry.n > from && entry.event === "restart" && namesOf(entry)?.includes(secret) === true,
  )
  const names = new Set(
    tried
      .filter((entry) => entry.event === "restart" && namesOf(entry)?.includes(secret) === true)
      .map(deploymentOf),
  )
  return [...names].flatMap((name) => {
    const own = all.filter((entry) => deploymentOf(entry) === name)
    const done = own.find((entry) => entry["healthy"] === true) ?? own.at(-1)
    return done === undefined ? [] : [done.at]
  })
}
