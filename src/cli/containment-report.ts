import { formatDuration } from "../base/text/duration.ts"
import type { Contained, Open } from "../incident/containment.ts"
import { renderLeaked, sayLeaked } from "../incident/shown-leaked.ts"
import type { ContainmentVerdict } from "../incident/verdict.ts"
import type { Outcome } from "../rotate/work.ts"
import { sayRefused } from "../app/slow-readers.ts"
import { endGone } from "../core/unwritten.ts"
import { whereAsked } from "./death.ts"
import { type Good, isContained, isUnhealthy, unwrittenOf } from "./containment-verdicts.ts"
import { unfinishedLine } from "./unfinished-lines.ts"
import { wayOut } from "./way-out.ts"
import { counted, hintLines, sayIf } from "./words.ts"

/** What a containment of one environment has done, and what is left, for a person. */
export function containmentLines(report: Contained, incident: string): readonly string[] {
  const { environment } = report
  return [
    ...failureLines(report),
    ...report.open.flatMap((one) => openLines(environment, one)),
    ...Object.entries(report.secrets).flatMap(([secret, one]) =>
      untouchedLines(`${environment}/${secret}`, one),
    ),
    ...Object.entries({ ...report.recovered, ...report.outcomes }).flatMap(([secret, outcome]) => [
      ...outcomeLines(`${environment}/${secret}`, outcome),
      ...wayOut(environment, outcome),
    ]),
    ...report.revoked.flatMap((one) => revokedLines(`${environment}/${one.secret}`, one)),
    ...Object.entries(report.secrets).flatMap(([secret, one]) =>
      verdictLines(`${environment}/${secret}`, one, isTold(report, secret)),
    ),
    ...(report.unshown ?? []).flatMap((name) => [
      `${environment}/${name}: NO output shows its new value: each program that logs in with it ` +
        "is cut off until it is given the new one (secret-unshown)",
      ...hintLines(
        `show it in an output: {{ ${name}.password }}; then mycelium render ${environment} ` +
          "writes it, and restart its programs",
      ),
    ]),
    ...(report.slowReaders ?? []).flatMap((one) => [
      `${environment}/${one.secret}: ${sayRefused(one)} (readers-would-fail)`,
      ...hintLines(
        "to end that sooner: refresh what caches the entry, then restart these programs",
      ),
    ]),
    ...unwrittenLines(report, incident),
    ...aheadLines(report),
    ...shownLines(report),
    ...hintLines(isUnhealthy(report) ? unhealthyHint(incident) : undefined),
  ]
}

function failureLines({ environment, failed, unnoted }: Contained): readonly string[] {
  return [
    ...(failed === undefined
      ? []
      : [
          `${environment}: NOT finished: ${failed.message} (${failed.code})`,
          ...hintLines(failed.hint),
        ]),
    ...(unnoted === true
      ? [
          `${environment}: what is NOT contained could not be noted in the state: ` +
            "status and check will not remind you",
        ]
      : []),
  ]
}

/** A containment does not judge the clock: it corrects nothing by it. */
function aheadLines({ environment, aheadMs, secrets }: Contained): readonly string[] {
  if (aheadMs === undefined) return []
  const [secret = "SECRET"] = Object.keys(secrets)
  return [
    `${environment}: the state holds times that are ${formatDuration(aheadMs)} from now: the clock is ` +
      "wrong now, or was wrong then, and nothing is rotated by schedule until that is put " +
      "right (clock-wrong)",
    ...hintLines(
      "if the clock is wrong now, set it; if it is right, mycelium run corrects those times after ten " +
        `minutes, and without it one rotation does: mycelium rotate-now ${environment}/${secret}`,
    ),
  ]
}

/** What the containment did not wait for. */
function openLines(environment: string, one: Open): readonly string[] {
  const [first = ""] = one.secrets
  const them = one.secrets.length === 1 ? first : "these"
  return [
    `${unfinishedLine(environment, one)}. It stays open: ` +
      `files go on showing what they showed of ${them}`,
    ...hintLines(
      "mycelium status says what keeps it; mycelium run asks again, and ends it once it can",
    ),
  ]
}

function untouchedLines(place: string, one: ContainmentVerdict): readonly string[] {
  if (one.kind === "nothing-to-contain")
    return [
      `${place}: nothing to contain, ${one.message}; ` +
        "if its login was kept, it works as before",
    ]
  if (!isContained(one) || one.before !== true) return []
  const but = sayIf(one.unhealthy, (text) => `, BUT ${text}`)
  const when = one.by === undefined ? "before, by this incident" : `since, by ${one.by}`
  return [`${place}: contained ${when}${askedWords(one)}${but}`]
}

/** What was asked about it now: nothing more is promised. */
function askedWords({ version, asked }: Good): string {
  if (asked === undefined || asked.kind === "none") return ""
  if (asked.kind === "unasked") return `, and NOT asked again now: ${asked.message}`
  const others = asked.refused.length === 0 ? "" : `, and refuses ${asked.refused.join(" and ")}`
  return `; its service takes ${version} now${others}`
}

function outcomeLines(name: string, outcome: Outcome): readonly string[] {
  if (outcome.kind === "rotated") {
    const but = sayIf(
      outcome.unhealthy,
      (text) => `, BUT ${text}; the compromised value is not put back`,
    )
    return [`${name}: ${outcome.version} is current${but}`]
  }
  const words = {
    left: "NOT changed",
    "rolled-back": "went back, as a rotation before it had begun to",
    waiting: "not decided yet",
    stuck: "STUCK",
  }[outcome.kind]
  return [
    `${name}: ${words}: ${outcome.message} (${outcome.code})`,
    ...hintLines(outcome.kind === "left" ? outcome.hint : undefined),
  ]
}

function revokedLines(
  place: string,
  { version, death }: Contained["revoked"][number],
): readonly string[] {
  if (death.kind !== "dead")
    return [
      `${place}: ${version ?? "what was accepted before"} is NOT proven dead: ` +
        `${death.message} (${death.code})`,
      ...hintLines(death.hint),
    ]
  const dead =
    version === undefined ? "no other value is accepted any more" : deadWords(version, death)
  const ended =
    death.sessionsEnded === 0 ? "" : `; ${counted(death.sessionsEnded, "older session")} ended`
  return [`${place}: ${dead}${ended}`, ...(death.notes ?? []).map((note) => `  note: ${note}`)]
}

/** Dead is what every server refuses where it was accepted. */
function deadWords(
  version: string,
  death: Extract<Contained["revoked"][number]["death"], { readonly kind: "dead" }>,
): string {
  return death.unasked === undefined
    ? `${version} is dead, its login is refused`
    : `a login with ${version} is refused${whereAsked(death)}`
}

/** `told`: another line says why already. */
function verdictLines(place: string, one: ContainmentVerdict, told: boolean): readonly string[] {
  if (one.kind === "not-contained" && !told)
    return [`${place}: NOT contained: ${one.message} (${one.code})`, ...hintLines(one.hint)]
  if (one.kind !== "contained-for-new-logins") return []
  const { message, code, hint } = one.sessions
  return [
    `${place}: sessions that were opened before may live: ${message} (${code})`,
    ...hintLines(hint),
  ]
}

function isTold({ failed, recovered, outcomes, revoked }: Contained, secret: string): boolean {
  const outcome = { ...recovered, ...outcomes }[secret]
  return (
    failed !== undefined ||
    (outcome !== undefined && outcome.kind !== "rotated") ||
    revoked.some((one) => one.secret === secret && one.death.kind !== "dead")
  )
}

/** Each output once, whatever it shows. */
function unwrittenLines(report: Contained, incident: string): readonly string[] {
  const { environment } = report
  const all = unwrittenOf([report])
  if (all.length === 0) return []
  const outputs = new Map(all.flatMap((one) => Object.entries(one.outputs)))
  const programs = [...new Set(all.flatMap((one) => one.programs))]
  const gone = [...new Set(all.flatMap((one) => one.gone ?? []))]
  if (outputs.size === 0 && gone.length > 0 && gone.length === programs.length)
    return [
      ...gone.map((name) => `${environment}/${name} was not restarted with the new value`),
      ...hintLines(endGone(environment, gone)),
    ]
  const news = outputs.size === 0 ? "the new value" : "what it reads there"
  return [
    ...[...outputs].flatMap(([target, { message, code, hint }]) => [
      `${environment}: ${target} is not written, and stays as it is: ${message} (${code})`,
      ...hintLines(hint),
    ]),
    ...programs.map(
      (name) =>
        `${environment}/${name} was not restarted with ${news}: ` +
        "it may hold a value that no longer works",
    ),
    ...hintLines(
      outputs.size === 0
        ? `mycelium run restarts it, or the same command with --incident ${incident} ` +
            "(mycelium explain output-owed)"
        : `put that file right; then the same command with --incident ${incident}, ` +
            "or mycelium run, writes it and restarts the programs that read it " +
            "(mycelium explain output-owed)",
    ),
  ]
}

/** Their services refuse it: the programs would not work. */
function shownLines({ environment, secrets }: Contained): readonly string[] {
  const all = Object.entries(secrets).flatMap(([secret, one]) =>
    isContained(one)
      ? (one.shows ?? []).map((shown) => `${environment}/${secret}: ${sayLeaked(shown)}`)
      : [],
  )
  return all.length === 0 ? [] : [...all, ...hintLines(renderLeaked(environment))]
}

function unhealthyHint(incident: string): string {
  return (
    "the program may be down: look at its log, and restart it so that it reads its files again; " +
    `then the same command with --incident ${incident} checks its health again ` +
    "(mycelium explain promoted-unhealthy)"
  )
}
