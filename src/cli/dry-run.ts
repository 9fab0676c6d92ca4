import { present } from "../base/present.ts"
import { sayUnread } from "../core/unread.ts"
import { dryRun as look } from "../incident/dry-run.ts"
import type { DryRunOptions, Unfinished } from "../incident/dry-run/plan.ts"
import type { App } from "../app/app.ts"
import { type Terminal, type Values, isSet, textOf } from "./command.ts"
import { exitCodes } from "./exit-codes.ts"
import { counted, sayIf } from "./words.ts"

/** Prints what a rotation would do, step by step, and what would block it. */
export async function dryRun(
  terminal: Terminal,
  values: Values,
  app: App,
  chosen: ReadonlyMap<string, readonly string[] | undefined>,
): Promise<number> {
  const why = whyOf(values)
  // As the command itself in the end: what is silent now is waited for.
  const contain: DryRunOptions["contain"] =
    why === "incident"
      ? { revokeFirst: isSet(values, "revoke-first"), longRetries: true }
      : undefined
  const options = {
    why,
    ...present({ contain }),
    skipGrace: isSet(values, "skip-grace"),
    ...present({ incident: textOf(values, "incident") }),
  }
  const plans: Plan[] = []
  for (const [environment, secrets] of chosen)
    plans.push(await look(app, environment, { ...options, ...present({ secrets }) }))
  if (isSet(values, "json")) terminal.stdout(JSON.stringify({ plans }))
  else
    for (const plan of plans)
      for (const line of linesOf(plan, why === "incident")) terminal.stdout(line)
  return exitOf(plans, why === "incident")
}

function whyOf(values: Values): "incident" | "new" | "asked" {
  if (isSet(values, "contain")) return "incident"
  return isSet(values, "new") ? "new" : "asked"
}

/** Why only a person can end a rotation. */
const personsCodes: ReadonlySet<string> = new Set(["stuck", "drifted"])

function exitOf(plans: readonly Plan[], contains: boolean): number {
  const secrets = plans.flatMap((plan) => plan.secrets)
  const blocked = secrets.filter((one) => one.blocked !== undefined).length
  // As the command itself: if no secret has a value that could be rotated, nothing is done.
  const nothing = secrets.length === 0 && plans.every((plan) => plan.unfinished.length === 0)
  if (nothing && plans.some((plan) => plan.untouched.length > 0)) return exitCodes.failed
  const kept = plans.flatMap(({ unfinished }) =>
    unfinished.filter((one) => one.kept !== undefined && one.ends !== true),
  )
  const holds = !contains && kept.some(({ blocks }) => blocks === true)
  const cut = plans.some((plan) => plan.cutOff === true)
  const stuck = kept.some(({ kept: why = [] }) => why.some(({ code }) => personsCodes.has(code)))
  if (kept.length > 0)
    return holds || cut || stuck || blocked > 0 ? exitCodes.person : exitCodes.partly
  if (blocked === 0 && plans.every((plan) => plan.fault === undefined && plan.leaves.length === 0))
    return exitCodes.done
  return blocked < secrets.length ? exitCodes.partly : exitCodes.failed
}

function keptLines(keeps: number | undefined): string {
  return keeps === undefined || keeps === 0
    ? ""
    : `; ${keeps} other line${keeps === 1 ? " stays" : "s stay"}`
}

/** Without a full stop: what ends it differs by command. */
export function unfinishedLine(
  environment: string,
  { startedAt, direction, secrets }: Pick<Unfinished, "startedAt" | "direction" | "secrets">,
): string {
  return (
    `${environment}: the rotation of ${startedAt.slice(0, 19)}Z is not finished (going ` +
    `${direction === "back" ? "back" : "on"}): ${secrets.join(", ")}`
  )
}

type Plan = Awaited<ReturnType<typeof look>>

/** What is not finished and cannot be ended now, and why. */
export function keptLinesOf(
  environment: string,
  { kept = [], ...one }: Pick<Unfinished, "startedAt" | "direction" | "secrets" | "kept">,
): readonly string[] {
  return [
    `${unfinishedLine(environment, one)}. It cannot be ended now, and stays open:`,
    ...kept.map(
      ({ secret, message, code }) =>
        `  ${secret === undefined ? "" : `${environment}/${secret}: `}${message} (${code})`,
    ),
  ]
}

/** What is begun once that is seen to. */
function whatOf(environment: string, going: readonly unknown[], anew: readonly string[]): string {
  if (going.length === 0)
    return anew.length === 0 ? `nothing of ${environment}` : `${anew.join(", ")} of ${environment}`
  const many = `${counted(going.length, "secret")} of ${environment}`
  const beside = anew.length === 0 ? "" : `, beside ${anew.join(", ")}`
  return `${many}${going.length > 1 ? " in one change set" : ""}${beside}`
}

function linesOf(plan: Plan, contains: boolean): readonly string[] {
  const stays = plan.unfinished.filter(({ kept }) => kept !== undefined)
  const staying = stays.flatMap((one) => stayingLines(plan.environment, one))
  if (!contains && stays.some(({ blocks }) => blocks === true))
    return [
      ...staying,
      `Would rotate nothing of ${plan.environment} until that has ended. Nothing was changed.`,
    ]
  return [...staying, ...headLines(plan), ...stepLines(plan), ...tailLines(plan)]
}

/** Of one that cannot be ended as it is: what this command does with it before all else. */
function stayingLines(environment: string, one: Unfinished): readonly string[] {
  const { goesOn, takenOut, ends, mayGoBack, restarts } = one
  const [, ...whys] = keptLinesOf(environment, one)
  const head =
    ends === true ? "It cannot be ended as it is" : "It cannot be ended now, and stays open"
  const back = "It may turn back, or stay open"
  return [
    `${unfinishedLine(environment, one)}. ${mayGoBack === true ? back : head}:`,
    ...whys,
    ...(goesOn.length === 0
      ? []
      : [
          `  this command first goes on with ${goesOn.join(", ")} in ` +
            `it${sayIf(mayRestart(restarts), (words) => `, and ${words}`)}`,
        ]),
    ...(goesOn.length === 0 && restarts.length > 0
      ? [`  if it turns back, this command ${mayRestart(restarts) ?? ""} for that, before all else`]
      : []),
    ...(takenOut.length === 0
      ? []
      : [
          `  the containment takes ${takenOut.join(", ")} out of ` +
            `it${ends === true ? ", and so ends it" : ""}`,
        ]),
  ]
}

function mayRestart(restarts: readonly string[]): string | undefined {
  return restarts.length === 0 ? undefined : `may restart ${restarts.join(", ")}`
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
