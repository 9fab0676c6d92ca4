import { bitsBy } from "../../app/shape-in.ts"
import { scheduleOf } from "../../app/schedule-of.ts"
import { present } from "../../base/present.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { AppError } from "../../base/error.ts"
import {
  type LeftEnvironment,
  type LeftSecret,
  leftEnvironments,
  leftSecrets,
  sayLeftEnvironment,
  sayLeftSecret,
} from "../../check/left-environments.ts"
import type { Folder } from "../../base/files/folder.ts"
import type { Config, EnvironmentConfig } from "../../config/model.ts"
import { type Due, dueCauses } from "../../core/due.ts"
import { withinMsOf } from "../../core/entry.ts"
import { believable } from "../../core/instants.ts"
import { isUndated } from "../../core/state.ts"
import { type Owing, owingIn, sayUnwritten } from "../../core/unwritten.ts"
import { type Forecast, type HeldUp, forecast } from "../../plan/forecast.ts"
import { type Drifted, driftedIn, sayDrifted } from "../../plan/drifted.ts"
import { type Waiting, waitingIn } from "../../plan/waiting.ts"
import {
  type UncontainedSecret,
  uncontainedSecrets,
  sayNotContained,
} from "../../plan/uncontained.ts"
import { newSecrets, sayNew } from "../../plan/new-secrets.ts"
import { openStates, readState } from "../../record/state-file.ts"
import { type Command, isSet, textOf } from "../command.ts"
import { columns } from "../columns.ts"
import { exitCodes } from "../exit-codes.ts"
import { openToLook } from "../open-config.ts"
import { openJournals } from "../open-journals.ts"
import { oneLine } from "../printable.ts"
import { when } from "../when.ts"
import { selectionOf } from "../selection.ts"
import { counted, sayList } from "../words.ts"

const dayMs = 86_400_000
const mostDays = 3660

/**
 * `undated`: secrets of unknown age. `bits`: by secret, how strong its next value is, if its driver
 * makes it.
 */
type Plan = {
  readonly name: string
  readonly bits: Readonly<Record<string, number>>
  readonly events: readonly Forecast[]
  readonly next?: Date
  readonly undated: readonly string[]
  /** Secrets without a value. */
  readonly fresh: readonly string[]
  /** Secrets with which nothing new is begun until something is over. */
  readonly waiting: readonly Waiting[]
  /** Rotations that are not finished, as `status` says it. */
  readonly journals: readonly string[]
  readonly uncontained: readonly UncontainedSecret[]
  readonly unwritten: readonly Owing[]
  readonly drifted: readonly Drifted[]
  /** Out of the config, and something is owed of them: no run reaches them. */
  readonly unlisted: readonly LeftSecret[]
}

export const plan: Command = {
  usage:
    "Says what would happen in the next days (30), when and why, if all goes well. Needs no key and " +
    "changes nothing.",
  options: { days: { type: "string", value: "N", summary: "how far to look ahead (30)" } },
  looks: true,
  run: async (terminal, args, values) => {
    const days = Number(textOf(values, "days") ?? "30")
    if (!(days > 0 && days <= mostDays))
      throw new AppError("usage", `--days takes a number of days, up to ${mostDays}`)
    const { config, plugins } = await openToLook(terminal, values)
    const now = terminal.host.now()
    await using folder = await openStates(config)
    const context = { config, folder, now, days, bits: bitsBy(plugins) }
    const plans = await Promise.all(
      [...selectionOf(config, args, { all: args.length === 0, tags: [] }).keys()].map(
        async (name) => ({ name, bits: bitsOf(context, name), ...(await planOf(context, name)) }),
      ),
    )
    // As in status: who asks for some is not told of all.
    const outside = args.length === 0 ? await leftEnvironments(config) : []
    const left = outside.filter(({ debts }) => debts.length > 0)
    if (isSet(values, "json"))
      terminal.stdout(
        JSON.stringify({
          days,
          environments: plans,
          ...(left.length === 0 ? {} : { left }),
        }),
      )
    else {
      for (const one of plans)
        for (const line of linesOf(config, one, now, days)) terminal.stdout(line)
      for (const one of left) for (const line of leftLines(one)) terminal.stdout(line)
    }
    return exitCodes.done
  },
}

type About = {
  readonly config: Config
  readonly folder: Folder | undefined
  readonly now: Date
  readonly days: number
  readonly bits: ReturnType<typeof bitsBy>
}

function bitsOf({ config, bits }: About, name: string): Plan["bits"] {
  const secrets = Object.values(config.environments[name]?.secrets ?? {})
  return Object.fromEntries(
    secrets.flatMap((secret) => {
      const strength = bits(secret)
      return strength === undefined ? [] : [[secret.name, strength]]
    }),
  )
}

const empty: Omit<Plan, "name" | "bits"> = {
  events: [],
  undated: [],
  fresh: [],
  waiting: [],
  journals: [],
  uncontained: [],
  unwritten: [],
  drifted: [],
  unlisted: [],
}

async function planOf(
  { config, folder, now, days }: About,
  name: string,
): Promise<Omit<Plan, "name" | "bits">> {
  const environment = config.environments[name]
  if (environment === undefined) return empty
  const found = await readState(
    { store: config.store, project: config.project, environment: name },
    folder,
  )
  // All of it by what can be true now, as status has it.
  const document = found && believable(found, now)
  const until = (ahead: number): readonly Forecast[] =>
    forecast(document, keptFor(environment), scheduleOf(environment), {
      now,
      until: new Date(now.getTime() + ahead * dayMs),
    })
  const events = until(days)
  const next = events.length === 0 ? until(mostDays)[0]?.at : undefined
  const undated = Object.entries(document?.secrets ?? {}).flatMap(([secret, state]) =>
    isUndated(state) ? [secret] : [],
  )
  return {
    events,
    ...present({ next }),
    undated,
    fresh: newSecrets(document, environment.secrets),
    waiting: waitingIn(document, environment.secrets),
    journals: openJournals(config, name, found),
    uncontained: uncontainedSecrets(document, now),
    unwritten: owingIn(document),
    drifted: driftedIn(document, environment.secrets, now),
    unlisted: leftSecrets(environment, document),
  }
}

/** The old value of a secret that an entry shows lives as long as its readers may have it. */
function keptFor({
  secrets,
  outputs,
}: EnvironmentConfig): readonly EnvironmentConfig["secrets"][string][] {
  return Object.values(secrets).map((secret) => {
    const readers = outputs
      .filter(({ shows }) => shows.includes(secret.name))
      .map(({ entry, readers }) => (entry === true ? withinMsOf(readers) : 0))
    return secret.graceMs === 0
      ? secret
      : { ...secret, graceMs: Math.max(secret.graceMs, ...readers) }
  })
}

function linesOf(config: Config, plan: Plan, now: Date, days: number): readonly string[] {
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

function noteLines(
  environment: EnvironmentConfig,
  { undated, fresh, waiting, journals, uncontained, unwritten, drifted, unlisted }: Plan,
): readonly string[] {
  const unknown = undated.filter((one) => environment.secrets[one] !== undefined)
  return [
    ...(unknown.length === 0 ? [] : [`  the age is unknown: ${unknown.join(", ")}`]),
    ...(fresh.length === 0 ? [] : [oneLine(`  ${sayNew(fresh)}`)]),
    ...waiting.map(({ secret, message }) => oneLine(`  ${secret} waits: ${message}`)),
    ...journals.map((journal) => oneLine(`! ${journal}`)),
    ...uncontained.map(({ secret, ...one }) => oneLine(`! ${secret}  ${sayNotContained(one)}`)),
    ...unwritten.map(({ secret, ...one }) => oneLine(`! ${secret}  ${sayUnwritten(one)}`)),
    ...drifted.map((one) => oneLine(`! ${one.secret}  ${sayDrifted(one)}`)),
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
function leftLines(one: LeftEnvironment): readonly string[] {
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
