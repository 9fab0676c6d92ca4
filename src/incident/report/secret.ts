import { currentThen, madeBetween } from "./between.ts"
import { containedFor } from "../../core/contained.ts"
import { versionAt } from "../../core/version.ts"
import { present } from "../../base/present.ts"
import type { Config } from "../../config/model.ts"
import type { SessionsLeft, Unwritten } from "../../core/state.ts"
import { endGone, sayUnwritten } from "../../core/unwritten.ts"
import { latest, namesOf, textOf } from "./entry.ts"
import { renderLeaked, sayLeaked } from "../shown-leaked.ts"
import { deathsIn, happenedTo, leftBy, provenBy, saidGone } from "./deaths.ts"
import { type Fault, erasedOf, faultOf } from "./fault.ts"
import type { AuditEntry } from "../../record/audit-read.ts"
import { laterOf } from "./later.ts"
import type { Erased, Line, OfSecret, SecretReport } from "./model.ts"
import { restartOf, restartedAt, sinceThen } from "./programs.ts"

/** One secret of an incident; pure. */

export function secretOf(config: Config, own: OfSecret): SecretReport {
  const later = laterOf(own)
  if (later === undefined) return reportOf(config, own)
  const lines = [...own.lines, ...later.lines]
  const restarts = [...own.restarts, ...later.restarts]
  return reportOf(config, { ...own, lines, restarts, later: later.incident })
}

function reportOf(config: Config, about: OfSecret): SecretReport {
  const { source, incident, later, name, lines } = about
  const { environment } = source
  const state = source.document?.secrets[name]
  const contained = state && containedFor(state, later ?? incident)
  const unwritten = contained === undefined ? undefined : state?.unwritten
  const { promote, to, deaths, elsewhere } = happenedTo(about, contained?.version)
  const erased = erasedOf(source, name)
  const sessionsLeft = leftOf(erased, { to, left: leftBy(deaths, contained?.sessions) })
  const driver = config.environments[environment]?.secrets[name]?.driver ?? state?.driver ?? ""
  const fault = faultOf(config, { ...about, to }) ?? shownFault(driver, about)
  return {
    environment,
    secret: name,
    driver,
    contained: fault === undefined,
    ...fault,
    ...present({
      from: currentThen(about) ?? replacedBy(about, to),
      to,
      acceptedAt: acceptedAt(lines, to),
      currentAt: promote?.at,
    }),
    ...deathsIn(deaths),
    ...present({ sessionsLeft: fault === undefined ? sessionsLeft : undefined }),
    ...unwrittenIn(config, environment, unwritten),
    ...present({ erased, shows: fault === undefined ? shownIn(about) : undefined }),
    notes: [
      ...(later === undefined || fault !== undefined ? [] : [`contained later, by ${later}`]),
      ...provenBy(elsewhere),
      ...betweenBy(madeBetween(about, to)),
      ...saidGone(lines),
      ...new Set(lines.flatMap(notesOf)),
    ],
    ...present({
      containedAt:
        fault === undefined ? containedAt(about, { driver, promote, deaths }) : undefined,
    }),
    // Those that restarted on a way to a new value and back again have the old one.
    restarts: to === undefined ? [] : restartsFor(about).map((line) => restartOf(source, line)),
  }
}

function betweenBy(versions: readonly string[]): readonly string[] {
  return versions.map(
    (one) => `${one} was made after the incident began, by a run that was no part of it`,
  )
}

function acceptedAt(lines: readonly Line[], to: string | undefined): string | undefined {
  return lines.findLast((line) => line.event === "verify" && textOf(line, "version") === to)?.at
}

function shownIn({ shows }: OfSecret): readonly string[] | undefined {
  return shows.length === 0 ? undefined : shows.map(sayLeaked)
}

/** Outputs that could not be written, and programs that hold a dead value. */
function unwrittenIn(
  config: Config,
  environment: string,
  owed: Unwritten | undefined,
): Partial<Pick<SecretReport, "unwritten" | "unwrittenFiles" | "endGone">> {
  if (owed === undefined) return {}
  return {
    unwritten: sayUnwritten(owed),
    unwrittenFiles: Object.keys(owed.outputs),
    ...present({ endGone: endOfGone(config, environment, owed) }),
  }
}

/** By the present config: the state notes it at the next run alone. */
function endOfGone(
  config: Config,
  environment: string,
  { outputs, programs }: Unwritten,
): string | undefined {
  const deployments = config.environments[environment]?.deployments ?? []
  const isGone = programs.every((name) => !deployments.some((one) => one.name === name))
  if (!isGone || programs.length === 0 || Object.keys(outputs).length > 0) return undefined
  return endGone(environment, programs)
}

/** The version that was current before; of one that has no new value, the one that is. */
function replacedBy({ source, name, lines }: OfSecret, to: string | undefined): string | undefined {
  const fieldOf = (event: string, field: string): string | undefined =>
    lines.flatMap((line) => (line.event === event ? (textOf(line, field) ?? []) : []))[0]
  const known = fieldOf("promote", "replaces") ?? fieldOf("revoke", "version")
  const state = source.document?.secrets[name]
  if (known !== undefined || to !== undefined || state === undefined) return known
  return versionAt(state, "current")?.id
}

/** If no service refuses it, what starts now takes the value that leaked. */
function shownFault(driver: string, { source, shows: [first] }: OfSecret): Fault | undefined {
  return driver === "generated" && first !== undefined
    ? { code: "output-stale", message: `${sayLeaked(first)}; ${renderLeaked(source.environment)}` }
    : undefined
}

type Before = { readonly to: string | undefined; readonly left: SessionsLeft | undefined }

/** What was erased has no session, if that ended them. */
function leftOf(erased: Erased | undefined, { to, left }: Before): SessionsLeft | undefined {
  if (erased?.sessionsEnded !== undefined) return undefined
  return erased?.sessionsLeft === true && to === undefined ? notEnded : left
}

/** It was erased while it was not contained. */
const notEnded: SessionsLeft = {
  code: "sessions-out-of-reach",
  message: "it was erased, its login ended, and nothing has ended the sessions that were open then",
  hint: "end them at the service, or restart it",
}

type LastEvents = {
  readonly driver: string
  readonly promote: Line | undefined
  readonly deaths: readonly Line[]
}

/** The last of what contained it. */
function containedAt(
  { source, name, lines, restarts }: OfSecret,
  { driver, promote, deaths }: LastEvents,
): string | undefined {
  const restarted =
    driver === "generated" && promote !== undefined
      ? restartedAt(source, name, { from: lines[0]?.n ?? 0, tried: restarts })
      : []
  const said = lines.findLast(({ event }) => event === "server-gone")?.at
  return latest([
    ...[promote?.at, deaths.at(-1)?.at, said].filter((at) => at !== undefined),
    ...restarted,
  ])
}

/**
 * Of each program that reads it, the last line of the rotations that the incident made, and what
 * became of it since.
 */
function restartsFor({ source, name, lines, restarts }: OfSecret): readonly AuditEntry[] {
  const changeSets = new Set(lines.flatMap((line) => textOf(line, "changeSet") ?? []))
  const own = restarts.filter(
    (line) =>
      (line["changeSet"] === undefined || changeSets.has(textOf(line, "changeSet") ?? "")) &&
      namesOf(line)?.includes(name) === true,
  )
  const last = new Map(own.map((line) => [textOf(line, "deployment") ?? "", line]))
  return [...last.values()].map((line) => sinceThen(source, line))
}

function notesOf(line: Line): readonly string[] {
  if (line.event === "found") return [textOf(line, "message") ?? textOf(line, "code") ?? ""]
  const { notes } = line as Readonly<Record<string, unknown>>
  return Array.isArray(notes) ? notes.filter((note) => typeof note === "string") : []
}
