import { present } from "../../base/present.ts"
import type { Result } from "../../check/self-tests/check.ts"
import type { Config } from "../../config/model.ts"
import { type SecretStatus, secretStatus } from "../../plan/status.ts"
import type { AuditEntry } from "../../record/audit-read.ts"
import type { Source } from "./source.ts"
import { failures, textOf } from "./entry.ts"
import { type PolicyState, policiesOf } from "./policy.ts"
import { faultIn } from "./programs.ts"
import { type Reader, readersOf } from "./readers.ts"
import { scheduleOf } from "../../app/schedule-of.ts"

/** What happened since an instant, and how things stand; pure. */

export type EnvironmentReport = {
  readonly environment: string
  readonly unreadable?: { readonly code: string; readonly message: string }
  readonly forged?: { readonly code: string; readonly message: string }
  /** The log reaches back to the beginning of the time. */
  readonly complete: boolean
  readonly logBegins?: string
  readonly rotations: number
  /** How many of each kind and code. */
  readonly failures: readonly {
    readonly event: string
    readonly code: string
    readonly times: number
    readonly last: string
    readonly secrets: readonly string[]
  }[]
  readonly unhealthy: readonly {
    readonly deployment: string
    readonly code: ReturnType<typeof faultIn>
    readonly times: number
    readonly last: string
  }[]
  readonly incidents: readonly string[]
  readonly deleted: readonly string[]
  readonly secrets: readonly (SecretStatus & { readonly rotations: number })[]
  readonly readers: readonly Reader[]
}
export type PeriodReport = {
  readonly project: string
  readonly since: string
  readonly at: string
  /**
   * Why no state's MAC was verified: one who can write in the store can have made all of this up.
   */
  readonly unverified?: string
  readonly environments: readonly EnvironmentReport[]
  readonly checks: readonly Result[]
  readonly policies: readonly PolicyState[]
  readonly heads: readonly {
    readonly environment: string
    readonly lines: number
    readonly head: string
  }[]
}
type PeriodInputs = {
  readonly sources: readonly Source[]
  readonly since: Date
  readonly unverified?: string
  readonly now: Date
  readonly checks: readonly Result[]
}

export function periodOf(
  config: Config,
  { sources, since, unverified, now, checks }: PeriodInputs,
): PeriodReport {
  const from = since.toISOString()
  return {
    project: config.project,
    since: from,
    at: now.toISOString(),
    ...present({ unverified }),
    environments: sources.map((source) => environmentOf(config, source, { from, now })),
    checks,
    policies: policiesOf(config, sources, { now, since: from }),
    heads: sources.map(({ environment, log }) => ({
      environment,
      lines: log.lines,
      head: log.head,
    })),
  }
}

function environmentOf(
  config: Config,
  source: Source,
  { from, now }: { readonly from: string; readonly now: Date },
): EnvironmentReport {
  const { environment, document, unreadable, forged, log } = source
  const entries = source.entries.filter(({ at }) => at >= from)
  const options = config.environments[environment]
  const planned = Object.values(options?.secrets ?? {})
  const schedule = options === undefined ? undefined : scheduleOf(options)
  const promoted = entries.filter(({ event }) => event === "promote")
  return {
    environment,
    ...present({ unreadable, forged }),
    complete: log.begins !== undefined && log.begins <= from,
    ...present({ logBegins: log.begins }),
    rotations: promoted.length,
    failures: failuresIn(entries),
    unhealthy: unhealthyIn(entries),
    incidents: [...new Set(entries.flatMap((entry) => textOf(entry, "incident") ?? []))],
    deleted: entries
      .filter(({ event }) => event === "delete")
      .flatMap((entry) => textOf(entry, "secret") ?? []),
    secrets:
      schedule === undefined
        ? []
        : planned.map(({ name, driver, rotateEveryMs }) => ({
            ...secretStatus({ name, driver, rotateEveryMs }, document, schedule, now),
            rotations: promoted.filter((entry) => textOf(entry, "secret") === name).length,
          })),
    readers: readersOf(environment, entries, {
      since: from,
      secrets: planned.map(({ name }) => name),
    }),
  }
}

function failuresIn(entries: readonly AuditEntry[]): EnvironmentReport["failures"] {
  const failed = Map.groupBy(
    entries.filter(({ event }) => failures[event] !== undefined),
    (entry) => `${entry.event} ${textOf(entry, "code") ?? ""}`,
  )
  return [...failed.values()].flatMap((all) => {
    const [first] = all
    return first === undefined
      ? []
      : [
          {
            event: first.event,
            code: textOf(first, "code") ?? "",
            times: all.length,
            last: all.at(-1)?.at ?? first.at,
            secrets: [...new Set(all.flatMap((entry) => textOf(entry, "secret") ?? []))],
          },
        ]
  })
}

function unhealthyIn(entries: readonly AuditEntry[]): EnvironmentReport["unhealthy"] {
  const unhealthy = Map.groupBy(
    entries.filter((entry) => entry.event === "restart" && entry["healthy"] !== true),
    (entry) => `${textOf(entry, "deployment") ?? ""} ${faultIn(entry)}`,
  )
  return [...unhealthy.values()].flatMap((all) => {
    const last = all.at(-1)
    if (last === undefined) return []
    const deployment = textOf(last, "deployment") ?? ""
    return [{ deployment, code: faultIn(last), times: all.length, last: last.at }]
  })
}
