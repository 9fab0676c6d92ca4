import { present } from "../../base/present.ts"
import type { SessionsLeft } from "../../core/state.ts"
import { versionNumber } from "../../core/version.ts"
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
  return { promote, to, deaths: [...own, ...elsewhere], elsewhere }
}

function isDeath({ event }: Pick<Line, "event">): boolean {
  return event === "revoke" || event === "revoke-others"
}

type Made = {
  readonly to: string | undefined
  readonly promote: Line | undefined
  readonly own: readonly Line[]
}

/** An incident that was interrupted made the value, and another run took away what was before. */
function deathsElsewhere(
  { source: { environment, entries }, name }: OfSecret,
  { to, promote, own }: Made,
): readonly Line[] {
  if (to === undefined || promote === undefined || own.length > 0) return []
  const isOlder = (version: string | undefined): boolean =>
    version === undefined || versionNumber(version) < versionNumber(to)
  return entries
    .filter(
      (entry) =>
        entry.n > promote.n &&
        isDeath(entry) &&
        textOf(entry, "secret") === name &&
        isOlder(textOf(entry, "version")),
    )
    .map((entry): Line => ({ ...entry, environment }))
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
        : [{ version: textOf(line, "version") ?? "", at: line.at }],
    ),
    ...present({ expelledAt: deaths.findLast(({ event }) => event === "revoke-others")?.at }),
    sessionsEnded: ended.reduce<number>(
      (sum, count) => sum + (typeof count === "number" ? count : 0),
      0,
    ),
  }
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
