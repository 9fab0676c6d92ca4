import type { AuditEntry } from "../../record/audit-read.ts"
import { begunAt, byTime, failures, latest, textOf } from "./entry.ts"
import type { Line, SecretReport, Step } from "./model.ts"
import { faultIn, isBeforeRestart, isNoNews, ofProgram } from "./programs.ts"
import type { Source } from "./source.ts"

/** What happened in an incident, the oldest first; pure. */

export type Part = {
  readonly environment: string
  readonly source: Source
  readonly lines: readonly Line[]
  readonly secrets: readonly SecretReport[]
}

/** More secrets than this are told of by environment. */
const stepsMost = 40

export function timeline(noticed: string | undefined, parts: readonly Part[]): readonly Step[] {
  const isShort = parts.reduce((sum, { secrets }) => sum + secrets.length, 0) <= stepsMost
  const first: readonly Step[] = noticed === undefined ? [] : [{ at: noticed, what: "noticed" }]
  return byTime([...first, ...parts.flatMap((part) => stepsOf(part, { isShort }))])
}

type Telling = { readonly isShort: boolean }

function stepsOf(part: Part, telling: Telling): readonly Step[] {
  return [
    ...begunIn(part),
    ...failedIn(part, telling),
    ...programsIn(part),
    ...(telling.isShort ? erasedIn(part) : []),
    ...containedIn(part, telling),
  ]
}

/** The first line of each write: what was chosen, before the values were made. */
function begunIn({ environment, lines }: Part): readonly Step[] {
  const begun = lines.filter(({ event }) => event === "contain" || event === "generate")
  const first = new Map(begun.toReversed().map((line) => [`${line.serial}`, line]))
  return [...first.values()].map(
    (line): Step => ({ at: begunAt(line), environment, what: "begun", user: line.user }),
  )
}

/** Each failure of a write once; if there are many secrets, one for all that failed alike. */
function failedIn({ environment, lines }: Part, { isShort }: Telling): readonly Step[] {
  const place = (line: Line): string => (isShort ? (textOf(line, "secret") ?? "") : line.event)
  const failed = new Map(
    lines
      .filter(({ event }) => failures[event] !== undefined)
      .map((line) => [`${line.serial} ${place(line)} ${textOf(line, "code") ?? ""}`, line]),
  )
  return [...failed.values()].map(
    (line): Step => ({
      at: line.at,
      environment,
      what: "failed",
      code: textOf(line, "code") ?? line.event,
      ...(isShort ? { subject: textOf(line, "secret") ?? "" } : {}),
    }),
  )
}

function programsIn({ environment, source, lines }: Part): readonly Step[] {
  return lines
    .filter((line) => ofProgram(line) && !isNoNews(source, line))
    .map(
      (line): Step => ({
        at: line.at,
        environment,
        what: becameOf(source, line),
        subject: textOf(line, "deployment") ?? "",
        ...(line["healthy"] === true ? {} : { code: faultIn(line) }),
      }),
    )
}

function becameOf(source: Source, line: AuditEntry): Step["what"] {
  if (line["healthy"] !== true) return "failed"
  if (line.event === "health") return isBeforeRestart(source, line) ? "old" : "well"
  return textOf(line, "health") === "none" ? "restart" : "healthy"
}

function erasedIn({ environment, secrets }: Part): readonly Step[] {
  return secrets.flatMap(({ secret, erased }): readonly Step[] =>
    erased === undefined
      ? []
      : [{ at: erased.at, environment, what: "erased", subject: secret, code: erased.login }],
  )
}

function containedIn({ environment, secrets }: Part, { isShort }: Telling): readonly Step[] {
  const done = secrets.flatMap(({ secret, containedAt: at }): readonly Step[] =>
    at === undefined ? [] : [{ at, environment, what: "contained", subject: secret }],
  )
  if (isShort) return done
  const at = latest(done.map((step) => step.at))
  const subject = `${done.length} of ${secrets.length} secrets`
  return at === undefined ? [] : [{ at, environment, what: "contained", subject }]
}
