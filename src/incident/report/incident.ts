import { present } from "../../base/present.ts"
import type { Result } from "../../check/self-tests/check.ts"
import type { Config } from "../../config/model.ts"
import { type SecretState, type SessionsLeft, openContainment } from "../../core/state.ts"
import { openSetOf } from "../../core/change-set.ts"
import { versionAt } from "../../core/version.ts"
import { sayUnwritten } from "../../core/unwritten.ts"
import { unlisted, unlistedRemedy } from "../../core/unlisted.ts"
import type { AuditEntry } from "../../record/audit-read.ts"
import type { Source } from "./source.ts"
import { failures, namesOf, textOf } from "./entry.ts"
import { type PolicyState, policiesOf } from "./policy.ts"
import {
  type Restart,
  type Unhealthy,
  isBeforeRestart,
  isNoNews,
  ofProgram,
  owedPrograms,
  restartOf,
  restartedAt,
  unhealthyIn,
} from "./programs.ts"
import { type Reader, readersOf } from "./readers.ts"

/** One incident, from what the logs and the states say; pure. */

export type Question = {
  readonly incident: string
  /** When a person noticed it; left out: the first line of the incident. */
  readonly noticed?: Date
  /** So far back from there who was given the values is told (ms). */
  readonly readersMs: number
}
type IncidentInputs = Question & {
  readonly sources: readonly Source[]
  /** Why no MAC was verified; left out: each was. */
  readonly unverified?: string
  readonly now: Date
  readonly checks: readonly Result[]
}

export type SecretReport = {
  readonly environment: string
  readonly secret: string
  readonly driver: string
  readonly contained: boolean
  /** Why not, where it is not. */
  readonly code?: string
  readonly message?: string
  readonly from?: string
  readonly to?: string
  readonly acceptedAt?: string
  readonly currentAt?: string
  /** Values whose login was refused after the change; none where no service asks for the secret. */
  readonly dead: readonly { readonly version: string; readonly at: string }[]
  readonly sessionsEnded: number
  /** When every value but the new one was taken away, where none of those was known. */
  readonly expelledAt?: string
  /** Contained for new logins alone: sessions that were opened before may live, and why. */
  readonly sessionsLeft?: SessionsLeft
  /** Outputs that could not be written, and programs that were not restarted since. */
  readonly unwritten?: string
  /** Those outputs. */
  readonly unwrittenFiles?: readonly string[]
  /** It was deleted, and what became of its login then: "ends", "kept", "none". */
  readonly erased?: { readonly at: string; readonly login: string }
  /** What was found there, and what a person must know besides, as the log has it. */
  readonly notes: readonly string[]
  readonly containedAt?: string
  readonly restarts: readonly Restart[]
}
export type Step = {
  readonly at: string
  readonly environment?: string
  readonly what:
    | "noticed"
    | "begun"
    | "contained"
    | "erased"
    | "restart"
    | "failed"
    | "healthy"
    | "well"
    /** Its health check is good, and its restart was still owed. */
    | "old"
  readonly subject?: string
  readonly code?: string
  readonly user?: string
}
export type IncidentReport = {
  readonly project: string
  readonly incident: string
  readonly at: string
  readonly contained: boolean
  /**
   * Why no state's MAC was verified: one who can write in the store can have made all of this up.
   */
  readonly unverified?: string
  /** What is left: secrets, and environments of which nothing is known. */
  readonly left: readonly {
    readonly environment: string
    readonly secret?: string /** Secrets of it, the log does not say which. */
    readonly some?: true
    readonly code: string
    readonly message: string
  }[]
  /** Words of the command that carries on; none where nothing is left. */
  readonly carryOn?: readonly string[]
  /** Deployments whose last restart did not end healthy, or is owed. */
  readonly unhealthy: readonly Unhealthy[]
  readonly noticed: { readonly at: string; readonly given: boolean }
  readonly begun: string
  /** When the last secret was contained; where all are. */
  readonly containedAt?: string
  /** When the last deployment was healthy; where all are. */
  readonly healthyAt?: string
  readonly reasons: readonly string[]
  /** Who acted, and through what. */
  readonly actors: readonly string[]
  readonly secrets: readonly SecretReport[]
  readonly timeline: readonly Step[]
  readonly readers: { readonly since: string; readonly rows: readonly Reader[] }
  readonly checks: readonly Result[]
  readonly policies: readonly PolicyState[]
  readonly heads: readonly {
    readonly environment: string
    readonly lines: number
    readonly head: string
  }[]
}

export function incidentOf(
  config: Config,
  { incident, noticed: given, readersMs, sources, unverified, now, checks }: IncidentInputs,
): IncidentReport {
  const parts = sources.map((source) => partOf(config, source, incident))
  const lines = parts
    .flatMap(({ lines: own }) => own)
    .toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
  const begun = lines[0]?.at ?? now.toISOString()
  const noticed = given?.toISOString() ?? begun
  const secrets = parts.flatMap((part) => part.secrets)
  const named = new Set(secrets.map(({ environment }) => environment))
  const left = [
    ...unopened(config, sources, lines),
    // What a forger has taken out of it, or put in, cannot be told.
    ...sources.flatMap(({ environment, forged }) =>
      forged === undefined || named.has(environment) ? [] : [{ environment, ...forged }],
    ),
    ...secrets.flatMap(({ environment, secret, contained, code = "", message = "" }) =>
      contained ? [] : [{ environment, secret, code, message }],
    ),
  ]
  const unhealthy = parts.flatMap((part) => part.unhealthy)
  const contained = left.length === 0
  const containedAt = latest(secrets.flatMap((one) => one.containedAt ?? []))
  const healthyAt = latest(
    secrets.flatMap(({ restarts }) =>
      restarts.filter(({ healthy }) => healthy).map(({ at }) => at),
    ),
  )
  // One that waits for its file was perhaps never restarted at all.
  const isOwing = sources.some(
    (source) => named.has(source.environment) && owedPrograms(source).size > 0,
  )
  const since = new Date(Date.parse(noticed) - readersMs).toISOString()
  const carriesOn = carryOn(incident, { config, left, lines, secrets })
  const involved = sources.filter(({ environment }) =>
    secrets.some((one) => one.environment === environment),
  )
  return {
    project: config.project,
    incident,
    at: now.toISOString(),
    contained,
    ...present({ unverified }),
    left,
    ...(contained || carriesOn === undefined ? {} : { carryOn: carriesOn }),
    unhealthy,
    noticed: { at: noticed, given: given !== undefined },
    begun,
    ...(contained && containedAt !== undefined ? { containedAt } : {}),
    ...(unhealthy.length === 0 && !isOwing && healthyAt !== undefined ? { healthyAt } : {}),
    reasons: [...new Set(lines.flatMap((line) => textOf(line, "reason") ?? []))],
    actors: [...new Set(lines.map(({ user, via }) => `${user} (${via})`))],
    secrets,
    timeline: timeline({ noticed: given?.toISOString(), parts }),
    readers: {
      since,
      rows: involved.flatMap(({ environment, entries }) =>
        readersOf(environment, entries, {
          since,
          secrets: secrets
            .filter((one) => one.environment === environment)
            .map(({ secret }) => secret),
        }),
      ),
    },
    checks,
    policies: policiesOf(config, involved, { now, since: noticed }),
    heads: involved.map(({ environment, log }) => ({
      environment,
      lines: log.lines,
      head: log.head,
    })),
  }
}

function latest(instants: readonly string[]): string | undefined {
  return instants.toSorted().at(-1)
}

type Line = AuditEntry & { readonly environment: string }
type Part = {
  readonly environment: string
  readonly source: Source
  readonly lines: readonly Line[]
  readonly secrets: readonly SecretReport[]
  readonly unhealthy: IncidentReport["unhealthy"]
}

function partOf(config: Config, source: Source, incident: string): Part {
  const { environment } = source
  const lines = source.entries
    .filter((entry) => entry["incident"] === incident)
    .map((entry) => ({ ...entry, environment }))
  const names = [
    ...new Set(lines.flatMap((line) => (ofProgram(line) ? [] : (namesOf(line) ?? [])))),
  ]
  const bySecret = Map.groupBy(
    lines.filter((line) => line.event !== "contain" && !ofProgram(line)),
    (line) => textOf(line, "secret"),
  )
  const chosen = new Set(
    lines.flatMap((line) => (line.event === "contain" ? (namesOf(line) ?? []) : [])),
  )
  const restarts = lines.filter(ofProgram)
  const secrets = names.map((name) =>
    secretOf({
      config,
      source,
      incident,
      name,
      chosen: chosen.has(name),
      lines: bySecret.get(name) ?? [],
      restarts,
    }),
  )
  return { environment, source, lines, secrets, unhealthy: unhealthyIn(source, restarts) }
}

type OfSecret = {
  readonly config: Config
  readonly source: Source
  readonly incident: string
  readonly name: string
  readonly chosen: boolean
  readonly lines: readonly Line[]
  readonly restarts: readonly Line[]
}

function secretOf({
  config,
  source,
  incident,
  name,
  chosen,
  lines,
  restarts,
}: OfSecret): SecretReport {
  const { environment, document } = source
  const state = document?.secrets[name]
  const promote = lines.findLast(({ event }) => event === "promote")
  const to =
    (promote === undefined ? undefined : textOf(promote, "version")) ??
    (state?.contained?.incident === incident ? state.contained.version : undefined)
  const from =
    lines.flatMap((line) =>
      line.event === "promote" ? (textOf(line, "replaces") ?? []) : [],
    )[0] ??
    lines.flatMap((line) => (line.event === "revoke" ? (textOf(line, "version") ?? []) : []))[0] ??
    (to === undefined && state !== undefined ? versionAt(state, "current")?.id : undefined)
  const verify = lines.findLast((line) => line.event === "verify" && textOf(line, "version") === to)
  const deaths = lines.filter(({ event }) => event === "revoke" || event === "revoke-others")
  const expelled = deaths.findLast(({ event }) => event === "revoke-others")
  const sessionsLeft = leftBy(
    deaths,
    state?.contained?.incident === incident ? state.contained.sessions : undefined,
  )
  const changeSets = new Set(lines.flatMap((line) => textOf(line, "changeSet") ?? []))
  const lastDeath = deaths.at(-1)?.at
  const owes = state?.contained?.incident === incident ? state.unwritten : undefined
  const found = faultOf({ source, incident, name, chosen, state, to, lines })
  const fault =
    found === undefined || isListed(config, environment, name)
      ? found
      : {
          ...found,
          message: `${found.message}; ${unlisted.message}: ${unlistedRemedy(`${environment}/${name}`, state?.driver)}`,
        }
  const last = new Map(
    restarts
      .filter(
        (line) =>
          (line["changeSet"] === undefined || changeSets.has(textOf(line, "changeSet") ?? "")) &&
          namesOf(line)?.includes(name) === true,
      )
      .map((line) => [textOf(line, "deployment") ?? "", line]),
  )
  const driver = config.environments[environment]?.secrets[name]?.driver ?? state?.driver ?? ""
  const restarted =
    driver === "generated" && promote !== undefined
      ? restartedAt(source, name, { from: lines[0]?.n ?? 0, tried: restarts })
      : []
  const containedAt =
    fault === undefined
      ? latest([promote?.at ?? "", lastDeath ?? "", ...restarted].filter((at) => at !== ""))
      : undefined
  const erased = erasedOf(source, name)
  return {
    environment,
    secret: name,
    driver,
    contained: fault === undefined,
    ...fault,
    ...present({ from, to }),
    ...(verify === undefined ? {} : { acceptedAt: verify.at }),
    ...(promote === undefined ? {} : { currentAt: promote.at }),
    dead: deaths.flatMap((line) =>
      line.event === "revoke-others"
        ? []
        : [{ version: textOf(line, "version") ?? "", at: line.at }],
    ),
    ...(expelled === undefined ? {} : { expelledAt: expelled.at }),
    ...(fault !== undefined || sessionsLeft === undefined ? {} : { sessionsLeft }),
    ...(owes === undefined
      ? {}
      : { unwritten: sayUnwritten(owes), unwrittenFiles: Object.keys(owes.outputs) }),
    ...present({ erased }),
    sessionsEnded: deaths.reduce(
      (sum, line) => sum + (typeof line["sessionsEnded"] === "number" ? line["sessionsEnded"] : 0),
      0,
    ),
    notes: [...new Set(lines.flatMap(notesOf))],
    ...present({ containedAt }),
    restarts: [...last.values()].map((line) => restartOf(source, line)),
  }
}

/** Where its versions are gone for good: what the log says of that. */
function erasedOf({ document, entries }: Source, name: string): SecretReport["erased"] {
  const state = document?.secrets[name]
  if (state?.erased === undefined || state.versions.length > 0) return undefined
  const line = entries.findLast(
    (entry) => entry.event === "delete" && textOf(entry, "secret") === name,
  )
  return line === undefined ? undefined : { at: line.at, login: textOf(line, "login") ?? "none" }
}

/** As the state has it; of an incident before the last, as its last line has it. */
function leftBy(deaths: readonly Line[], now: SessionsLeft | undefined): SessionsLeft | undefined {
  const last =
    deaths.findLast(
      (line) =>
        line["sessionsEnded"] !== 0 ||
        line["sessionsLeft"] !== undefined ||
        line.event === "revoke-others",
    ) ?? deaths.at(-1)
  const [code, message, hint] =
    last === undefined
      ? []
      : [textOf(last, "sessionsLeft"), textOf(last, "sessionsSays"), textOf(last, "sessionsHint")]
  if (now !== undefined || code === undefined || message === undefined) return now
  return { code, message, ...present({ hint }) }
}

function notesOf(line: Line): readonly string[] {
  if (line.event === "found") return [textOf(line, "message") ?? textOf(line, "code") ?? ""]
  const { notes } = line as Readonly<Record<string, unknown>>
  return Array.isArray(notes) ? notes.filter((note) => typeof note === "string") : []
}

type Fault = { readonly code: string; readonly message: string }

/** Why a secret is not contained; undefined where it is. */
function faultOf({
  source,
  incident,
  name,
  chosen,
  state,
  to,
  lines,
}: Pick<OfSecret, "source" | "incident" | "name" | "chosen" | "lines"> & {
  readonly state: SecretState | undefined
  readonly to: string | undefined
}): Fault | undefined {
  const unusable = source.unreadable ?? source.forged
  if (unusable !== undefined) return unusable
  if (state === undefined)
    return { code: "state-older", message: "the state does not know it any more" }
  if (state.erased !== undefined && state.versions.length === 0 && state.uncontained === undefined)
    return erasedFault(lines, erasedOf(source, name))
  const failed = lines.findLast(({ event }) => failures[event] !== undefined)
  const set = openSetOf(source.document, name)
  if (set !== undefined)
    return {
      code: "journal-open",
      message: "its rotation is not finished: what its service takes is not decided yet",
    }
  if (to === undefined)
    return failed === undefined
      ? { code: "not-contained", message: "not begun" }
      : {
          code: textOf(failed, "code") ?? failed.event,
          message: failures[failed.event] ?? failed.event,
        }
  if (state.uncontained?.incident === incident)
    return {
      code: state.uncontained.code,
      message: `contained once, as ${to}, but somebody else has changed its value since`,
    }
  // A rotation under the name of an incident leaves older sessions, and values that others have
  // set.
  if (!chosen && state.contained === undefined)
    return {
      code: "not-contained",
      message:
        "rotated, but without --contain: older sessions, and values that somebody else has set, were not ended",
    }
  const open = openContainment(state)
  if (open?.incident === incident && !state.versions.some(({ stage }) => stage.kind === "previous"))
    return {
      code: open.code,
      message:
        open.code === "output-owed" && state.unwritten !== undefined
          ? sayUnwritten(state.unwritten)
          : "what its service accepted before is not taken away yet",
    }
  const owed = state.versions.find(
    ({ id, stage }) =>
      number(id) < number(to) && (stage.kind === "previous" || stage.kind === "uncertain"),
  )
  if (owed !== undefined)
    return {
      code: (failed === undefined ? undefined : textOf(failed, "code")) ?? "revoke-owed",
      message: `${owed.id} is not proven dead`,
    }
  return versionAt(state, "current") === undefined
    ? { code: "no-current", message: "no value is current" }
    : undefined
}

/**
 * What ended its login is proven; what left it as it is has contained nothing. `lines`: of the
 * incident, all written before.
 */
function erasedFault(lines: readonly Line[], erased: SecretReport["erased"]): Fault | undefined {
  if (erased === undefined || erased.login === "ends") return undefined
  const last = lines.findLast(
    ({ event }) =>
      event === "promote" ||
      event === "revoke" ||
      event === "revoke-others" ||
      failures[event] !== undefined,
  )
  const isContained =
    last !== undefined &&
    (last.event === "promote" ? erased.login === "none" : failures[last.event] === undefined)
  if (isContained) return undefined
  return {
    code: "not-contained",
    message:
      erased.login === "retired"
        ? "erased with --keep-login before it was contained: its login was left as it was, and nothing here knows whether it was ended since; see that it is ended at the service"
        : "erased before it was contained: a program that took it may go on with it until it is restarted, and nothing here knows of that",
  }
}

function number(version: string): number {
  return Number(version.slice(1))
}

/**
 * What was chosen and no line of this incident speaks of: its environment could not be opened (it
 * was locked, its state
 * unreadable or older than its log), so its own log could not be written, and those of the others
 * tell that it was chosen.
 */
function unopened(
  { environments }: Config,
  sources: readonly Source[],
  lines: readonly Line[],
): IncidentReport["left"] {
  const chosen = lines.filter(({ event }) => event === "contain")
  const words = new Set(
    chosen.flatMap(({ selection }) => (Array.isArray(selection) ? selection.map(String) : [])),
  )
  const last = latest(chosen.map(({ at }) => at)) ?? ""
  return sources.flatMap((source): IncidentReport["left"] => {
    const { environment } = source
    const all = words.has("--all") || words.has(environment)
    const named = [...words].flatMap((word) =>
      word.startsWith(`${environment}/`) ? [word.slice(environment.length + 1)] : [],
    )
    if ((!all && named.length === 0) || environments[environment] === undefined) return []
    const own = lines.filter((line) => line.environment === environment)
    const some = named.includes("*")
    const why =
      source.unreadable ??
      (source.document === undefined && source.log.lines > 0
        ? { code: "state-older", message: "its state is gone" }
        : undefined)
    if (why !== undefined)
      return own.length > 0
        ? []
        : all
          ? [{ environment, ...why }]
          : some
            ? [{ environment, some, ...why }]
            : named.map((secret) => ({ environment, secret, ...why }))
    const spoken = new Set(own.flatMap((line) => namesOf(line) ?? []))
    // What got its value later was none that anybody could take.
    const holds = Object.entries(source.document?.secrets ?? {}).flatMap(([name, state]) =>
      (versionAt(state, "current")?.madeAt ?? "~") < last ? [name] : [],
    )
    if (some && !all)
      return own.length > 0 || holds.length === 0
        ? []
        : [{ environment, some, code: "not-contained", message: "nothing was done in it" }]
    const missed = (all ? holds : holds.filter((name) => named.includes(name))).filter(
      (name) => !spoken.has(name),
    )
    const message = { code: "not-contained", message: "nothing was done in its environment" }
    return all && own.length === 0 && missed.length > 0
      ? [{ environment, ...message }]
      : missed.map((secret) => ({ environment, secret, ...message }))
  })
}

type Carrying = {
  readonly config: Config
  readonly left: IncidentReport["left"]
  readonly lines: readonly Line[]
  readonly secrets: readonly SecretReport[]
}

/** More names than this are said as their environment. */
const wordsMost = 8

function isListed({ environments }: Config, environment: string, secret: string): boolean {
  return environments[environment]?.secrets[secret] !== undefined
}

/**
 * An environment as a whole only where all of it was chosen: nothing more than that may be
 * contained. Undefined where it is not known what was chosen.
 */
function carryOn(
  incident: string,
  { config, left, lines, secrets }: Carrying,
): readonly string[] | undefined {
  // What the config does not have any more is no word that the command takes.
  const known = left.filter(
    ({ some, environment, secret }) =>
      some === undefined &&
      (secret === undefined || isListed(config, environment, secret)) &&
      !secrets.some(
        (one) =>
          one.erased !== undefined && one.environment === environment && one.secret === secret,
      ),
  )
  if (known.length === 0) return undefined
  const words = [...new Set(known.map(({ environment }) => environment))].flatMap((environment) => {
    const own = known.filter((one) => one.environment === environment)
    const all = Object.keys(config.environments[environment]?.secrets ?? {})
    const whole =
      own.some(({ secret }) => secret === undefined) ||
      (own.length > wordsMost &&
        all.every((name) =>
          secrets.some((one) => one.environment === environment && one.secret === name),
        ))
    return whole ? [environment] : own.map(({ secret = "" }) => `${environment}/${secret}`)
  })
  const cut = lines.some((line) => line.event === "contain" && line["revokeFirst"] === true)
  return [
    "rotate-now",
    ...words,
    "--contain",
    ...(cut ? ["--revoke-first"] : []),
    "--incident",
    incident,
  ]
}

/** More secrets than this are told of by environment. */
const stepsMost = 40

function timeline({
  noticed,
  parts,
}: {
  readonly noticed: string | undefined
  readonly parts: readonly Part[]
}): readonly Step[] {
  const many = parts.reduce((sum, { secrets }) => sum + secrets.length, 0) > stepsMost
  const steps = parts.flatMap((part) => stepsOf(part, many))
  const first: readonly Step[] = noticed === undefined ? [] : [{ at: noticed, what: "noticed" }]
  return [...first, ...steps].toSorted((one, other) =>
    one.at < other.at ? -1 : one.at > other.at ? 1 : 0,
  )
}

function stepsOf({ environment, source, lines, secrets }: Part, many: boolean): readonly Step[] {
  // The first line of each write: what was chosen, before the values were made.
  const begun = [
    ...new Map(
      lines
        .filter(({ event }) => event === "contain" || event === "generate")
        .toReversed()
        .map((line) => [`${line.serial}`, line]),
    ).values(),
  ].map((line): Step => ({ at: line.at, environment, what: "begun", user: line.user }))
  const failed = [
    ...new Map(
      lines
        .filter(({ event }) => failures[event] !== undefined)
        .map((line) => [
          `${line.serial} ${many ? line.event : (textOf(line, "secret") ?? "")} ${textOf(line, "code") ?? ""}`,
          line,
        ]),
    ).values(),
  ]
  const done = secrets.flatMap(({ secret, containedAt }) =>
    containedAt === undefined ? [] : [{ secret, at: containedAt }],
  )
  const end = many ? latest(done.map(({ at }) => at)) : undefined
  const whole =
    end === undefined
      ? []
      : [
          {
            at: end,
            environment,
            what: "contained",
            subject: `${done.length} of ${secrets.length} secrets`,
          } as const,
        ]
  return [
    ...begun,
    ...failed.map(
      (line): Step => ({
        at: line.at,
        environment,
        what: "failed",
        code: textOf(line, "code") ?? line.event,
        ...(many ? {} : { subject: textOf(line, "secret") ?? "" }),
      }),
    ),
    ...lines
      .filter((line) => ofProgram(line) && !isNoNews(source, line))
      .map(
        (line): Step => ({
          at: line.at,
          environment,
          what: becameOf(source, line),
          subject: textOf(line, "deployment") ?? "",
          ...(line["healthy"] === true ? {} : { code: "deployment-unhealthy" }),
        }),
      ),
    ...secrets.flatMap(({ secret, erased }): readonly Step[] =>
      erased === undefined || many
        ? []
        : [{ at: erased.at, environment, what: "erased", subject: secret, code: erased.login }],
    ),
    ...(many
      ? whole
      : done.map(
          ({ secret, at }): Step => ({ at, environment, what: "contained", subject: secret }),
        )),
  ]
}

function becameOf(source: Source, line: AuditEntry): Step["what"] {
  if (line["healthy"] !== true) return "failed"
  if (line.event === "health") return isBeforeRestart(source, line) ? "old" : "well"
  return textOf(line, "health") === "none" ? "restart" : "healthy"
}
