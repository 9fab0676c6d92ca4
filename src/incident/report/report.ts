import { AppError, describeError, systemCode } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import type { Host } from "../../base/system/host.ts"
import { filesAtOnce, mapConcurrently } from "../../base/semaphore.ts"
import type { Result } from "../../check/self-tests/check.ts"
import type { Me } from "../../check/self-tests/path-stat.ts"
import type { Plugins } from "../../config/context.ts"
import type { Config } from "../../config/model.ts"
import { type Actor, lineHash } from "../../core/audit-line.ts"
import { type AuditEntry, readWhole } from "../../record/audit-read.ts"
import { type StateKey, readState } from "../../record/state-file.ts"
import { lookSteadily } from "../../record/steady-look.ts"
import { openedKeys, shownBy } from "../../check/sealed.ts"
import { type Leaked, leakedIn } from "../shown-leaked.ts"
import { check } from "../../check/check.ts"
import { stateNames } from "../../check/files.ts"
import { type Held, heldStates } from "../held-states.ts"
import { incidentOf } from "./incident.ts"
import type { IncidentReport, Question } from "./model.ts"
import { type PeriodReport, periodOf } from "./period.ts"
import type { Source } from "./source.ts"
import { verifyOne } from "../verify-one.ts"

/**
 * What reports are made of: the logs, the states, the config and a quick look at this machine.
 * Changes nothing. Needs no key;
 * but where the identity is here, nothing is vouched for that the keys do not bear out.
 */

export type ReportSource = {
  readonly config: Config
  readonly plugins: Plugins
  readonly host: Host
  readonly me: Me
  readonly actor: Actor
  readonly stop: AbortSignal
}

/** undefined: no log knows this incident; `issued` are those that they know. */
export async function incidentReport(
  context: ReportSource,
  question: Question,
): Promise<IncidentReport | { readonly known: readonly string[] }> {
  const held = await heldStates(context.config, context.host)
  const sources = await readAll(
    { ...context, held },
    // One that was taken out of the config since may have been chosen: it is part of it all the same.
    [...new Set([...Object.keys(context.config.environments), ...stateNames(context.config)])],
    // A later incident may have contained what this one did not.
    (entry) => entry["incident"] !== undefined || alsoWanted.has(entry.event),
  )
  if (!sources.some(({ incidents }) => incidents.includes(question.incident)))
    return { known: [...new Set(sources.flatMap(({ incidents }) => incidents))] }
  return incidentOf(context.config, {
    ...question,
    sources,
    shows: await shownIn(context, sources),
    ...unheldOf(held),
    now: context.host.now(),
    checks: await quick(context),
  })
}

/** By the identity, where it is here: what the files show of what leaked. */
async function shownIn(
  context: ReportSource,
  sources: readonly Source[],
): Promise<readonly (Leaked & Pick<Source, "environment">)[]> {
  const environments = sources.flatMap(({ environment, document, forged }) =>
    document === undefined || forged !== undefined
      ? []
      : [{ name: environment, secrets: [], document }],
  )
  const checked = { ...context, whoAsks: () => context.actor }
  const opened = await openedKeys(checked, environments)
  if (!("keys" in opened)) return []
  const { shown, fingerprint } = await shownBy(checked, opened.keys, environments, {
    connect: false,
  })
  const leaked = await mapConcurrently(
    filesAtOnce,
    shown,
    async ({ environment, output, document }) =>
      (await leakedIn(output, document, fingerprint)).map((one) => ({ ...one, environment })),
  )
  return leaked.flat()
}

function unheldOf(held: Held): { readonly unverified?: string } {
  return "unheld" in held ? { unverified: held.unheld } : {}
}

export async function periodReport(
  context: ReportSource,
  environments: readonly string[],
  since: Date,
): Promise<PeriodReport> {
  const held = await heldStates(context.config, context.host)
  const sources = await readAll({ ...context, held }, environments, () => true)
  return periodOf(context.config, {
    sources,
    ...unheldOf(held),
    since,
    now: context.host.now(),
    checks: await quick(context),
  })
}

function quick(context: ReportSource): Promise<readonly Result[]> {
  return check(
    { ...context, whoAsks: () => context.actor },
    { quick: true, connect: false, fix: false },
  )
}

/**
 * Lines that are no incident's: who was given values, what became of programs and of secrets later,
 * how old values were.
 */
const alsoWanted = new Set([
  "exec",
  "render",
  "adopt",
  "dated",
  "read",
  "check",
  "restart",
  "health",
  "generate",
  "promote",
  "revoke",
  "revoke-others",
  "delete",
])

function readAll(
  { config, host, stop, held }: ReportSource & { readonly held: Held },
  environments: readonly string[],
  wanted: (entry: AuditEntry) => boolean,
): Promise<readonly Source[]> {
  return mapConcurrently(filesAtOnce, environments, async (environment) => {
    const place = { store: config.store, project: config.project, environment }
    const serial = async (): Promise<number | undefined> => (await readState(place))?.serial
    // Beside an act that is under way, the state may tell of what was not in the log yet when that
    // was read.
    const source = lookSteadily({ host, stop, environment, serial }, async () => {
      const value = await readOne(place, wanted)
      return {
        value,
        doubt: isBehind(value) ? `${value.document?.serial ?? ""} ${value.log.lines}` : undefined,
      }
    })
    return source
      .then(async (read) => ({ ...read, ...(await forgedOf({ host, stop, held }, place)) }))
      .catch(
        (error: unknown): Source => ({
          environment,
          document: undefined,
          unreadable: reasonOf(error),
          entries: [],
          log: { lines: 0, head: "" },
          incidents: [],
        }),
      )
  })
}

async function forgedOf(
  { held, ...about }: Pick<ReportSource, "host" | "stop"> & { readonly held: Held },
  place: StateKey,
): Promise<Pick<Source, "forged">> {
  const { faults, edited } = await verifyOne(about, place, { heads: new Map(), held })
  const [message, ...more] = faults
  if (message === undefined) return {}
  const others = more.length === 0 ? "" : ` (and ${more.length} more: mycelium audit verify)`
  return {
    forged: { code: edited ? "state-edited" : "log-broken", message: `${message}${others}` },
  }
}

function isBehind({ document, log }: Source): boolean {
  return (
    document !== undefined &&
    (log.lines < document.audit.count - document.audit.lines.length ||
      log.lines > document.audit.count)
  )
}

async function readOne(place: StateKey, wanted: (entry: AuditEntry) => boolean): Promise<Source> {
  const { environment } = place
  const entries: AuditEntry[] = []
  const incidents = new Set<string>()
  let last: { readonly n: number; readonly line: string } | undefined
  let begins: string | undefined
  const read = async (): Promise<Pick<Source, "document">> => {
    for await (const { line, entry } of readWhole(place)) {
      if (entry === undefined) continue
      begins ??= entry.at
      last = { n: entry.n, line }
      if (typeof entry["incident"] === "string") incidents.add(entry["incident"])
      if (wanted(entry)) entries.push(entry)
    }
    return { document: await readState(place) }
  }
  const found = await read().catch((error: unknown) => ({
    document: undefined,
    unreadable: reasonOf(error),
  }))
  const log = {
    lines: last?.n ?? 0,
    head: last === undefined ? "" : lineHash(last.line),
    ...present({ begins }),
  }
  return { environment, ...found, entries, log, incidents: [...incidents] }
}

function reasonOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof AppError) && systemCode(error) !== undefined)
    return {
      code: "file-unreadable",
      message: `its audit log cannot be read (${systemCode(error)})`,
    }
  const { code, message } = describeError(error)
  return { code, message }
}
