import { present } from "../../base/present.ts"
import type { Result } from "../../check/self-tests/check.ts"
import { seenGone } from "../../core/unwritten.ts"
import { toleranceMs } from "../../core/instants.ts"
import type { Config } from "../../config/model.ts"
import type { Leaked } from "../shown-leaked.ts"
import { carryOn } from "./carry-on.ts"
import { begunAt, byTime, latest, namesOf, textOf } from "./entry.ts"
import type { IncidentReport, NotContained, Line, Question, SecretReport } from "./model.ts"
import { policiesOf } from "./policy.ts"
import { type Unhealthy, ofProgram, owedPrograms, unhealthyIn } from "./programs.ts"
import { type Reader, readersOf } from "./readers.ts"
import { secretOf } from "./secret.ts"
import type { Source } from "./source.ts"
import { type Part as TimelinePart, timeline } from "./timeline.ts"
import { unopened } from "./unopened.ts"

/** One incident, from what the logs and the states say; pure. */

type Shown = Leaked & Pick<Source, "environment">
type IncidentInputs = Question & {
  readonly sources: readonly Source[]
  /** Outputs that show a value which a containment took away. */
  readonly shows: readonly Shown[]
  /** Why no MAC was verified; left out: each was. */
  readonly unverified?: string
  readonly now: Date
  readonly checks: readonly Result[]
}

export function incidentOf(config: Config, inputs: IncidentInputs): IncidentReport {
  const { incident, noticed: given, readersMs, shows, now } = inputs
  const sources = inputs.sources.map((source) => asSeenNow(config, source))
  const parts = sources.map((source) => partOf(config, source, { incident, shows }))
  const lines = byTime(parts.flatMap(({ lines: own }) => own))
  const secrets = parts.flatMap((part) => part.secrets)
  const begun = lines.map(begunAt).toSorted()[0] ?? now.toISOString()
  const noticed = given?.toISOString() ?? begun
  const left = leftIn(sources, { lines, secrets })
  const since = new Date(Date.parse(noticed) - readersMs).toISOString()
  const involved = sources.filter(({ environment }) =>
    secrets.some((one) => one.environment === environment),
  )
  return {
    project: config.project,
    incident,
    at: now.toISOString(),
    contained: left.length === 0,
    ...present({ unverified: inputs.unverified }),
    left,
    ...present({
      carryOn: left.length === 0 ? undefined : carryOn(incident, { config, left, lines, secrets }),
    }),
    unhealthy: parts.flatMap((part) => part.unhealthy),
    noticed: { at: noticed, given: given !== undefined },
    begun,
    ...present({
      ahead: aheadIn(lines, now),
      containedAt: left.length === 0 ? containedAt(secrets) : undefined,
      healthyAt: healthyAt(parts),
    }),
    reasons: [...new Set(lines.flatMap((line) => textOf(line, "reason") ?? []))],
    actors: [...new Set(lines.map(({ user, via }) => `${user} (${via})`))],
    secrets,
    timeline: timeline(given?.toISOString(), parts),
    readers: { since, rows: involved.flatMap((source) => readersIn(source, secrets, since)) },
    checks: inputs.checks,
    policies: policiesOf(config, involved, { now, since: noticed }),
    heads: involved.map(headOf),
  }
}

/** With the programs that today's config has no more. */
function asSeenNow({ environments }: Config, source: Source): Source {
  const { document, environment } = source
  const deployments = environments[environment]?.deployments
  if (document === undefined || deployments === undefined) return source
  return { ...source, document: seenGone(document, deployments) }
}

function containedAt(secrets: readonly SecretReport[]): string | undefined {
  return latest(secrets.flatMap((one) => one.containedAt ?? []))
}

function aheadIn(lines: readonly Line[], now: Date): string | undefined {
  const last = latest(lines.map(({ at }) => at))
  const isAhead = last !== undefined && Date.parse(last) > now.getTime() + toleranceMs
  return isAhead ? last : undefined
}

function headOf({ environment, log: { lines, head } }: Source): IncidentReport["heads"][number] {
  return { environment, lines, head }
}

function readersIn(
  { environment, entries }: Source,
  secrets: readonly SecretReport[],
  since: string,
): readonly Reader[] {
  const own = secrets.filter((one) => one.environment === environment)
  return readersOf(environment, entries, { since, secrets: own.map(({ secret }) => secret) })
}

/** What is not contained, or not known to be. */
function leftIn(
  sources: readonly Source[],
  {
    lines,
    secrets,
  }: { readonly lines: readonly Line[]; readonly secrets: readonly SecretReport[] },
): readonly NotContained[] {
  const named = new Set(secrets.map(({ environment }) => environment))
  return [
    ...unopened(sources, lines),
    // What a forger has taken out of it, or put in, cannot be told.
    ...sources.flatMap(({ environment, forged }) =>
      forged === undefined || named.has(environment) ? [] : [{ environment, ...forged }],
    ),
    ...secrets.flatMap(({ environment, secret, contained, code = "", message = "" }) =>
      contained ? [] : [{ environment, secret, code, message }],
    ),
  ]
}

/** When the last program was healthy with its new values; undefined if one is not. */
function healthyAt(parts: readonly Part[]): string | undefined {
  // One that waits for its file was perhaps never restarted at all.
  const isOwing = parts.some(
    ({ secrets, source }) => secrets.length > 0 && owedPrograms(source).size > 0,
  )
  if (isOwing || parts.some(({ unhealthy }) => unhealthy.length > 0)) return undefined
  return latest(
    parts.flatMap(({ secrets }) =>
      secrets.flatMap(({ restarts }) =>
        restarts.filter(({ healthy }) => healthy).map(({ at }) => at),
      ),
    ),
  )
}

type Part = TimelinePart & { readonly unhealthy: readonly Unhealthy[] }

function partOf(
  config: Config,
  source: Source,
  { incident, shows }: Pick<IncidentInputs, "incident" | "shows">,
): Part {
  const { environment } = source
  const lines = source.entries
    .filter((entry) => entry["incident"] === incident)
    .map((entry): Line => ({ ...entry, environment }))
  const restarts = lines.filter(ofProgram)
  const others = lines.filter((line) => !ofProgram(line))
  const isChoice = ({ event }: Line): boolean => event === "contain"
  const bySecret = Map.groupBy(
    others.filter((line) => !isChoice(line)),
    (line) => textOf(line, "secret"),
  )
  const chosen = new Set(others.filter(isChoice).flatMap((line) => namesOf(line) ?? []))
  const names = new Set(others.flatMap((line) => namesOf(line) ?? []))
  const secrets = [...names].map((name) =>
    secretOf(config, {
      source,
      incident,
      name,
      chosen: chosen.has(name),
      shows: shows.filter((one) => one.environment === environment && one.secret === name),
      lines: bySecret.get(name) ?? [],
      restarts,
    }),
  )
  return { environment, source, lines, secrets, unhealthy: unhealthyIn(source, restarts) }
}
