import { sayUnread } from "../core/unread.ts"
import type { DryRun as Plan, Unfinished } from "../incident/dry-run/plan.ts"
import { mayRestart, stayingLines, unfinishedLine } from "./unfinished-lines.ts"
import { renderLeaked, sayLeaked } from "../incident/shown-leaked.ts"
import { counted, hintLines, sayIf } from "./words.ts"

/** A dry run, for a person: the steps of a rotation, and what stands in their way. */

/** What is begun once that is seen to. */
function whatOf(environment: string, going: readonly unknown[], anew: readonly string[]): string {
  if (going.length === 0)
    return anew.length === 0 ? `nothing of ${environment}` : `${anew.join(", ")} of ${environment}`
  const many = `${counted(going.length, "secret")} of ${environment}`
  const beside = anew.length === 0 ? "" : `, beside ${anew.join(", ")}`
  return `${many}${going.length > 1 ? " in one change set" : ""}${beside}`
}

/** `contains`: it is asked for an incident. */
export function linesOf(plan: Plan, contains: boolean): readonly string[] {
  const stays = plan.unfinished.filter(({ kept }) => kept !== undefined)
  const staying = stays.flatMap((one) => stayingLines(plan.environment, one))
  if (!contains && stays.some(({ blocks }) => blocks === true))
    return [
      ...staying,
      `Would rotate nothing of ${plan.environment} until that has ended. Nothing was changed.`,
    ]
  return [...staying, ...headLines(plan), ...stepLines(plan), ...tailLines(plan)]
}

function headLines(plan: Plan): readonly string[] {
  const { environment, first, contained, unfinished } = plan
  const planned = plan.secrets.map(({ name }) => name)
  const anew = unfinished.flatMap((one) => one.anew).filter((name) => !planned.includes(name))
  const ends = unfinished.filter(({ kept }) => kept === undefined)
  const isFirst = ends.length + first.length > 0 || unfinished.some((one) => one.goesOn.length > 0)
  const then = isFirst ? "then " : ""
  return [
    ...ends.map(
      (one) =>
        `${unfinishedLine(environment, one)}. Without --dry-run this command ends it first${thenAnew(one)}.`,
    ),
    ...ends.flatMap((one) =>
      one.restarts.length === 0
        ? []
        : [`Its end ${mayRestart(one.restarts) ?? ""}, before anything else is begun.`],
    ),
    ...first.map((one) => `Would first ${sayFirst(environment, one)}.`),
    ...contained.map(
      (name) =>
        `${environment}/${name}: contained before, by this incident: it gets no other value.`,
    ),
    ...(plan.shows ?? []).map(
      (one) => `${environment}/${one.secret}: ${sayLeaked(one)} (output-stale)`,
    ),
    ...hintLines(plan.shows === undefined ? undefined : renderLeaked(environment)),
    ...(plan.owed ?? []).map(
      (target) => `Would first try to write ${target}: it is owed since the containment.`,
    ),
    `Would ${then}rotate ${whatOf(environment, goingIn(plan), anew)}. Nothing was changed.`,
  ]
}

function thenAnew({ anew, secrets }: Unfinished): string {
  if (anew.length === 0) return ""
  const all = anew.length === 1 ? "it" : "them"
  return `, then rotates ${anew.length < secrets.length ? anew.join(", ") : all} anew`
}

function sayFirst(environment: string, { secret, version, why }: Plan["first"][number]): string {
  const place = `${environment}/${secret}`
  if (version === undefined)
    return (
      `take away what ${place} accepted before its last containment; only if that is proven is ` +
      "it rotated"
    )
  const because = {
    "skip-grace": "its grace is cut short",
    "grace-over": "its grace is over",
    uncertain: "it may still be accepted",
    contained: "its containment owes that",
  }[why]
  return `revoke ${version} of ${place}, because ${because}; only if it is proven dead is ${secret} rotated`
}

function stepLines(plan: Plan): readonly string[] {
  const steps: readonly (readonly [string, readonly string[]])[] = [
    ["preflight", preflightRows(plan)],
    ["apply", applyRows(plan)],
    ["cut", cutRows(plan)],
    ["deliver", deliverRows(plan)],
    ["restart", restartRows(plan)],
    ["revoke", revokeRows(plan)],
  ]
  const done = steps.filter(([name]) => name !== "cut" || plan.cut.length > 0)
  return done.flatMap(([name, rows], index) =>
    rows.map((row, at) => `  ${(at === 0 ? `${index + 1} ${name}` : "").padEnd(11)} ${row}`),
  )
}

function padded({ secrets }: Plan, name: string): string {
  return name.padEnd(Math.max(0, ...secrets.map((one) => one.name.length)))
}

function preflightRows(plan: Plan): readonly string[] {
  return plan.secrets.flatMap(({ name, blocked, notes, sessionsMayLive }) => {
    if (blocked !== undefined)
      return [`${padded(plan, name)}  NO   ${blocked.message} (${blocked.code})`]
    const only = "BUT  for new logins only: sessions that were opened before may live"
    return [
      `${padded(plan, name)}  ${sessionsMayLive === true ? only : "ok"}`,
      ...notes.map((note) => `  note: ${note}`),
    ]
  })
}

function applyRows(plan: Plan): readonly string[] {
  return goingIn(plan).map(
    ({ name, apply, gap }) => `${padded(plan, name)}  ${apply}    gap: ${gap}`,
  )
}

function cutRows(plan: Plan): readonly string[] {
  return plan.cut.map(
    (name) =>
      `${padded(plan, name)}  no value but the new one is accepted from here on: ` +
      "programs are cut off until they restart",
  )
}

function goingIn({ secrets }: Plan): Plan["secrets"] {
  return secrets.filter(({ blocked }) => blocked === undefined)
}

function deliverRows({ fault, outputs, leaves, stays }: Plan): readonly string[] {
  const written = outputs.flatMap(({ gone, target, changes, keeps, narrows }) => [
    gone ??
      `${target}  ${changes.length === 0 ? "no change" : `${changes.join(", ")} change`}${keptLines(keeps)}`,
    ...(narrows === undefined ? [] : [`  note: ${narrows}`]),
  ])
  return [
    ...(fault === undefined ? written : [`NO   ${fault.message} (${fault.code})`]),
    ...leaves.map(
      ({ target, message, code }) => `OWED ${target} would stay as it is: ${message} (${code})`,
    ),
    ...stays.map(({ message }) => `LEFT ${message} (variable-left)`),
  ]
}

function restartRows({ restarts, unread }: Plan): readonly string[] {
  const rows = restarts.flatMap(({ name, message, replaces, health, notes }) => {
    const proof =
      health === undefined ? "; no health check: a restart proves little" : `, then ${health}`
    return [
      `${name}: ${message}${sayIf(replaces, (containers) => ` (${containers})`)}${proof}`,
      ...notes.map((note) => `  note: ${note}`),
    ]
  })
  return unread.length === 0 ? rows : [...rows, `note: ${sayUnread(unread)}`]
}

function revokeRows(plan: Plan): readonly string[] {
  return goingIn(plan).map(({ name, revoke }) => `${padded(plan, name)}  ${revoke}`)
}

/** Each hint once; then what the command leaves alone. */
function tailLines({ environment, secrets, leaves, fault, untouched }: Plan): readonly string[] {
  const hints = [
    ...secrets.flatMap(({ blocked }) => blocked?.hint ?? []),
    ...secrets.flatMap(({ blocked, hints: noted }) => (blocked === undefined ? noted : [])),
    ...leaves.flatMap(({ hint }) => hint ?? []),
    ...(fault?.hint === undefined ? [] : [fault.hint]),
  ]
  return [
    ...[...new Set(hints)].map((hint) => `  hint: ${hint}`),
    ...(untouched.length === 0
      ? []
      : [
          `${environment}: without a value, left alone: ${untouched.join(", ")} (adopt, or rotate-now --new)`,
        ]),
  ]
}

function keptLines(keeps: number | undefined): string {
  return keeps === undefined || keeps === 0
    ? ""
    : `; ${keeps} other line${keeps === 1 ? " stays" : "s stay"}`
}
