import { formatDuration } from "../base/text/duration.ts"
import {
  type LeftEnvironment,
  sayLeftEnvironment,
  sayLeftSecret,
} from "../check/left-environments.ts"
import type { Config, EnvironmentConfig } from "../config/model.ts"
import { type Due, dueCauses } from "../core/due.ts"
import { sayRevokeHeld } from "../core/held-up.ts"
import { sayUnwritten } from "../core/unwritten.ts"
import { sayChanged } from "../core/changed-driver.ts"
import { sayDrifted } from "../plan/drifted.ts"
import type { Forecast, HeldUp } from "../plan/forecast.ts"
import { sayNew } from "../plan/new-secrets.ts"
import { sayNotContained } from "../plan/uncontained.ts"
import { columns } from "./columns.ts"
import type { Plan } from "./environment-plan.ts"
import { oneLine } from "./printable.ts"
import { when } from "./when.ts"
import { counted, sayList } from "./words.ts"

/** What would happen in the next days, for a person. */

export function linesOf(config: Config, plan: Plan, now: Date, days: number): readonly string[] {
  const { name, events, next } = plan
  const environment = config.environments[name]
  if (environment === undefined) return []
  const notes = noteLines(environment, plan)
  if (events.length > 0)
    return [
      `${name} (${environment.timezone})`,
      ...notes,
      ...columns(events.map((one) => rowOf(environment, plan, one, now))),
    ]
  const later = next === undefined ? "" : `; the next is ${when(next, environment.timezone, now)}`
  return [`${name}: nothing in the next ${counted(days, "day")}${later}`, ...notes]
}

function rowOf(
  environment: EnvironmentConfig,
  { bits }: Plan,
  { at, rotates, causes, finishes, revokes, late, waits = [] }: Forecast,
  now: Date,
): readonly string[] {
  const { timezone } = environment
  const because = (one: string): string =>
    [howOf(environment, one, bits), ...sayCause(causes[one], { at, now, timezone })].join(", ")
  const acts = [
    sayList(finishes, (names) => `finish the rotation of ${names}`),
    sayList(
      rotates.map((one) => `${one} (${because(one)})`),
      (names) => `rotate ${names}`,
    ),
    sayList(revokes, (names) => `revoke the old ${names}`),
    sayList(late, (names) => `LATE: no scheduled time comes before ${names} is too old`),
    ...waits.map(sayHeldUp),
  ]
  return [
    `  ${when(at, environment.timezone, now)}`,
    `in ${formatDuration(at.getTime() - now.getTime())}`,
    acts.filter((words) => words !== "").join(" · "),
  ]
}

function noteLines(environment: EnvironmentConfig, plan: Plan): readonly string[] {
  const { undated, fresh, waiting, held, journals, uncontained, unwritten, drifted } = plan
  const { changed, off, unlisted } = plan
  const unknown = undated.filter((one) => environment.secrets[one] !== undefined)
  return [
    ...(unknown.length === 0 ? [] : [`  the age is unknown: ${unknown.join(", ")}`]),
    ...(fresh.length === 0 ? [] : [oneLine(`  ${sayNew(fresh)}`)]),
    ...waiting.map(({ secret, message }) => oneLine(`  ${secret} waits: ${message}`)),
    ...held.map((one) =>
      oneLine(`! ${one.secret}  the revoke of ${one.version} waits, ${sayRevokeHeld(one)}`),
    ),
    ...journals.map((journal) => oneLine(`! ${journal}`)),
    ...uncontained.map(({ secret, ...one }) => oneLine(`! ${secret}  ${sayNotContained(one)}`)),
    ...unwritten.map(({ secret, ...one }) => oneLine(`! ${secret}  ${sayUnwritten(one)}`)),
    ...drifted.map((one) => oneLine(`! ${one.secret}  ${sayDrifted(one)}`)),
    ...Object.entries(changed).map(([secret, one]) =>
      oneLine(`! ${secret}  ${sayChanged(one)} (driver-differs)`),
    ),
    ...off.flatMap(({ code, message, remedy }) => [
      oneLine(`! ${message} (${code})`),
      ...(remedy === undefined ? [] : [oneLine(`  hint: ${remedy}`)]),
    ]),
    ...unlisted.flatMap((one) => [
      oneLine(`! ${one.secret}  ${sayLeftSecret(one)} (debt-unlisted)`),
      `  hint: ${one.remedy}`,
    ]),
  ]
}

function sayHeldUp({ secrets, for: first }: HeldUp): string {
  const verb = secrets.length === 1 ? "waits" : "wait"
  return `${secrets.join(", ")} ${verb} for the rotation of ${first.join(", ")}, which is not finished`
}

/** Of an environment that the config has no more: as status tells of it. */
export function leftLines(one: LeftEnvironment): readonly string[] {
  return [oneLine(`! ${sayLeftEnvironment(one)} (debt-unlisted)`), `  hint: ${one.remedy}`]
}

/** What "every 90d" does not say: another cause than the age, and that it is late. */
function sayCause(
  cause: Due | undefined,
  { at, now, timezone }: { readonly at: Date; readonly now: Date; readonly timezone: string },
): readonly string[] {
  if (cause === undefined) return []
  const tick = new Date(cause.tick)
  return [
    ...(cause.by === "age" ? [] : [dueCauses[cause.by]]),
    ...(tick < at ? [`due since ${when(tick, timezone, now)}`] : []),
  ]
}

/** "every 90d, 191.9 bits". */
function howOf(environment: EnvironmentConfig, name: string, bits: Plan["bits"]): string {
  const every = formatDuration(environment.secrets[name]?.rotateEveryMs ?? 0)
  const strength = bits[name]
  return `every ${every}${strength === undefined ? "" : `, ${strength.toFixed(1)} bits`}`
}
