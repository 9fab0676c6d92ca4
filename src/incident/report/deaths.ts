import { present } from "../../base/present.ts"
import type { SessionsLeft } from "../../core/state.ts"
import { versionNumber } from "../../core/version.ts"
import type { AuditEntry } from "../../record/audit-read.ts"
import { beginningOf } from "./between.ts"
import { textOf } from "./entry.ts"
import type { Line, OfSecret, SecretReport } from "./model.ts"

/** What was taken away of a secret in an incident, by the log; pure. */

export type Happened = {
  readonly promote: Line | undefined
  /** The value that it has since. */
  readonly to: string | undefined
  /** What was taken away, `elsewhere` by a run that made no value in this incident. */
  readonly deaths: readonly Line[]
  readonly elsewhere: readonly Line[]
}

/** What the log says of it. */
export function happenedTo(about: OfSecret, known: string | undefined): Happened {
  const promote = about.lines.findLast(({ event }) => event === "promote")
  const to = (promote === undefined ? undefined : textOf(promote, "version")) ?? known
  const own = about.lines.filter(isDeath)
  const elsewhere = deathsElsewhere(about, { to, promote, own })
  const deaths = [...own, ...elsewhere].toSorted((one, other) => one.n - other.n)
  return { promote, to, deaths, elsewhere }
}

function isDeath({ event }: Pick<Line, "event">): boolean {
  return event === "revoke" || event === "revoke-others"
}

type Made = {
  readonly to: string | undefined
  readonly promote: Line | undefined
  readonly own: readonly Line[]
}

/**
 * Another run took away what was before: after an incident that was interrupted had made the value,
 * or a rotation that came between the beginning of the incident and its containment.
 */
function deathsElsewhere(about: OfSecret, { to, promote, own }: Made): readonly Line[] {
  const { source, name } = about
  const begun = beginningOf(about)
  const last = own.at(-1)?.n ?? Infinity
  const isOlder = (entry: AuditEntry): boolean => {
    const version = textOf(entry, "version")
    // One that names no version took away all but the value of then.
    if (version === undefined) return promote !== undefined && entry.n > promote.n
    return to === undefined || versionNumber(version) < versionNumber(to)
  }
  return source.entries
    .filter(
      (entry) =>
        entry.n > begun &&
        entry.n < last &&
        isDeath(entry) &&
        textOf(entry, "secret") === name &&
        !own.some(({ n }) => n === entry.n) &&
        isOlder(entry),
    )
    .map((entry): Line => ({ ...entry, environment: source.environment }))
}

export function provenBy(elsewhere: readonly Line[]): readonly string[] {
  const incidents = elsewhere.flatMap((line) => textOf(line, "incident") ?? [])
  return [...new Set(incidents)].map((one) => `what it replaced was taken away later, by ${one}`)
}

/** What was taken away, with its sessions. */
export function deathsIn(
  deaths: readonly Line[],
): Pick<SecretReport, "dead" | "expelledAt" | "sessionsEnded"> {
  const ended = deaths.map((line) => line["sessionsEnded"])
  return {
    dead: deaths.flatMap((line) =>
      line.event === "revoke-others"
        ? []
        : [{ version: textOf(line, "version") ?? "", at: line.at, ...unaskedBy(line) }],
    ),
    ...present({ expelledAt: deaths.findLast(({ event }) => event === "revoke-others")?.at }),
    sessionsEnded: ended.reduce<number>(
      (sum, count) => sum + (typeof count === "number" ? count : 0),
      0,
    ),
  }
}

/** Servers that the config did not name. */
function unaskedBy({ unasked }: Line): { readonly unasked?: readonly string[] } {
  if (!Array.isArray(unasked)) return {}
  return { unasked: unasked.filter((one) => typeof one === "string") }
}

/** The word of a person, which nothing here has proven. */
export function saidGone(lines: readonly Line[]): readonly string[] {
  return lines
    .filter(({ event }) => event === "server-gone")
    .map(
      (line) =>
        `that ${textOf(line, "server") ?? "a server"} is gone for good, or refuses the old ` +
        `values, is a person's word of ${line.at.slice(0, 19)}Z, and not proven`,
    )
}

/** As the state has it; of an incident before the last, as its last line has it. */
export function leftBy(
  deaths: readonly Line[],
  now: SessionsLeft | undefined,
): SessionsLeft | undefined {
  if (now !== undefined) return now
  const last =
    deaths.findLast(
      (line) =>
        line["sessionsEnded"] !== 0 ||
        line["sessionsLeft"] !== undefined ||
        line.event === "revoke-others",
    ) ?? deaths.at(-1)
  if (last === undefined) return undefined
  const [code, message] = [textOf(last, "sessionsLeft"), textOf(last, "sessionsSays")]
  if (code === undefined || message === undefined) return undefined
  return { code, message, ...present({ hint: textOf(last, "sessionsHint") }) }
}
