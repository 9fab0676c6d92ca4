import { present } from "../../base/present.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { AppError } from "../../base/error.ts"
import { bitsBy } from "../../app/shape-in.ts"
import { takenStates } from "../../check/taken.ts"
import { alarms } from "../../check/alarms.ts"
import {
  type LeftEnvironment,
  leftEnvironments,
  sayLeftEnvironment,
} from "../../check/left-environments.ts"
import { scheduleOf } from "../../app/schedule-of.ts"
import type { Folder } from "../../base/files/folder.ts"
import type { Config } from "../../config/model.ts"
import type { Finding } from "../../core/ports.ts"
import { type StateDocument } from "../../core/state.ts"
import { seenGone } from "../../core/unwritten.ts"
import { openSetOf } from "../../core/change-set.ts"
import { type SecretStatus, secretStatus, unlistedStatus } from "../../plan/status.ts"
import { openStates, readState, stateFolder } from "../../record/state-file.ts"
import { sayAge } from "../age.ts"
import { columns } from "../columns.ts"
import { type Command, type Terminal, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { openToLook } from "../open-config.ts"
import { openJournals } from "../open-journals.ts"
import { oneLine } from "../printable.ts"
import { day, when } from "../when.ts"
import { selectionOf } from "../selection.ts"
import { counted } from "../words.ts"

type Opened = {
  readonly config: Config
  readonly bits: ReturnType<typeof bitsBy>
  readonly folder: Folder | undefined
}
type EnvironmentStatus = {
  readonly name: string
  readonly timezone: string
  readonly window?: Date
  readonly journals: readonly string[]
  readonly secrets: readonly (SecretStatus & { readonly bits?: number })[]
}

export const status: Command = {
  usage:
    "Says how old each secret is, when it is due, and what needs a person. Needs no key and changes " +
    "nothing.",
  options: {},
  looks: true,
  run: async (terminal, args, values) => {
    const { config, plugins } = await openToLook(terminal, values)
    const names = [...selectionOf(config, args, { all: args.length === 0, tags: [] }).keys()]
    await using folder = await openStates(config)
    const bits = bitsBy(plugins)
    const read = await Promise.all(
      names.map((name) => environmentStatus({ config, bits, folder }, name, terminal.host.now())),
    )
    const me = { uid: terminal.uid, gid: process.getgid?.() ?? 0 }
    const found = [
      ...(await takenStates({ config, plugins, host: terminal.host }, read)),
      ...(await alarms({ config, host: terminal.host, me }, read)),
    ]
    const all = read.map(({ document: _, ...environment }) => environment)
    // Who asks for some is not told of all.
    const outside = args.length === 0 ? await leftEnvironments(config) : []
    const left = outside.filter(({ debts }) => debts.length > 0)
    if (isSet(values, "json"))
      terminal.stdout(
        JSON.stringify({
          store: config.store,
          alarms: found,
          environments: all,
          ...(left.length === 0 ? {} : { left }),
        }),
      )
    else print(terminal, config, { all, found, left })
    return exitCodes.done
  },
}

async function environmentStatus(
  { config, bits, folder }: Opened,
  name: string,
  now: Date,
): Promise<EnvironmentStatus & { readonly document: StateDocument | undefined }> {
  const environment = config.environments[name]
  if (environment === undefined) throw new AppError("usage", `no environment ${name}`)
  const document = await readState(
    { store: config.store, project: config.project, environment: name },
    folder,
  )
  const schedule = scheduleOf(environment)
  const window = schedule.next(now)
  const secrets = Object.values(environment.secrets).map((secret) => ({
    ...strength(bits(secret)),
    ...secretStatus(
      { name: secret.name, driver: secret.driver, rotateEveryMs: secret.rotateEveryMs },
      document && seenGone(document, environment.deployments),
      schedule,
      now,
    ),
  }))
  const unlisted = Object.entries(document?.secrets ?? {}).flatMap(([secret, state]) =>
    environment.secrets[secret] === undefined && openSetOf(document, secret) === undefined
      ? (unlistedStatus(name, secret, state) ?? [])
      : [],
  )
  const journals = openJournals(config, name, document)
  return {
    name,
    document,
    timezone: environment.timezone,
    ...present({ window }),
    journals,
    secrets: [...secrets, ...unlisted],
  }
}

function strength(bits: number | undefined): { readonly bits?: number } {
  return bits === undefined ? {} : { bits }
}

type Shown = {
  readonly all: readonly EnvironmentStatus[]
  readonly found: readonly Finding[]
  /** Out of the config, and something is owed there. */
  readonly left: readonly LeftEnvironment[]
}

function print(terminal: Terminal, config: Config, shown: Shown): void {
  const now = terminal.host.now()
  const lines = [
    ...shown.found.flatMap(({ code, message, remedy }) => [
      oneLine(`! ${code}: ${message}`),
      ...(remedy === undefined ? [] : [oneLine(`  remedy: ${remedy}`)]),
    ]),
    ...shown.all.flatMap((environment) => environmentLines(environment, now)),
    ...shown.left.flatMap((one) => [
      oneLine(`! ${sayLeftEnvironment(one)} (debt-unlisted)`),
      `  hint: ${one.remedy}`,
    ]),
    [...summaryOf(shown), `state ${stateFolder(config)}`].join(" · "),
  ]
  // Written at once: thousands of lines are not thousands of system calls.
  terminal.stdout(lines.join("\n"))
}

function environmentLines(environment: EnvironmentStatus, now: Date): readonly string[] {
  const { name, window, timezone, journals, secrets } = environment
  const rows = secrets.map((secret) => row(secret, timezone, now))
  return [
    `${name.padEnd(34)}${windowWords(window, timezone, now)}`.trimEnd(),
    ...journals.map((journal) => oneLine(`! ${journal}`)),
    ...columns([["  SECRET", "DRIVER", "VERSION", "AGE", "OF", "DUE", "STATE"], ...rows]),
  ]
}

function windowWords(window: Date | undefined, timezone: string, now: Date): string {
  if (window === undefined) return ""
  const ahead = formatDuration(window.getTime() - now.getTime())
  return `next window ${when(window, timezone, now)} (in ${ahead})`
}

function summaryOf({ all, found, left }: Shown): readonly string[] {
  const secrets = all.flatMap((one) => one.secrets)
  const attention = secrets.filter((one) => one.attention).length + left.length
  const fresh = secrets.filter((one) => one.stage === "new").length
  const forNew = secrets.filter((one) => one.sessionsMayLive === true).length
  const isFine = attention + fresh + forNew === 0 && found.length === 0
  return [
    counted(secrets.length, "secret"),
    ...(found.length === 0 ? [] : [`${counted(found.length, "alarm")}, above`]),
    ...(isFine ? ["none needs attention"] : []),
    ...(attention === 0 ? [] : [`${attention} need${attention === 1 ? "s" : ""} attention`]),
    ...(forNew === 0 ? [] : [`${forNew} contained for new logins only`]),
    ...(fresh === 0 ? [] : [`${fresh} without a value: mycelium adopt, or rotate-now --new`]),
  ]
}

function row(secret: SecretStatus, timezone: string, now: Date): readonly string[] {
  return [
    `${secret.attention ? "!" : " "} ${secret.name}`,
    secret.driver,
    secret.version ?? "–",
    sayAge(secret),
    secret.rotateEveryMs === null ? "never" : formatDuration(secret.rotateEveryMs),
    dueWords(secret, timezone, now),
    oneLine([secret.stage, ...secret.notes].join(" · ")),
  ]
}

function dueWords({ dueAt, overdueMs }: SecretStatus, timezone: string, now: Date): string {
  if (overdueMs !== undefined) return `overdue ${formatDuration(overdueMs)}`
  return dueAt === undefined ? "–" : day(dueAt, timezone, now)
}
