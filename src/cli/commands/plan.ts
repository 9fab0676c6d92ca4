import { bitsIn } from "../../app/shape-in.ts"
import { scheduleOf } from "../../app/turn.ts"
import { formatDuration } from "../../base/duration.ts"
import { AppError } from "../../base/error.ts"
import type { Config, EnvironmentConfig } from "../../config/model.ts"
import { type Forecast, forecast } from "../../plan/forecast.ts"
import { readState } from "../../record/state-file.ts"
import { type Command, isSet, textOf } from "../command.ts"
import { columns } from "../columns.ts"
import { exitCodes } from "../exit-codes.ts"
import { openConfig, plugins } from "../open-config.ts"
import { when } from "../when.ts"
import { selectionOf } from "../selection.ts"

const dayMs = 86_400_000

/** `bits`: by secret, how strong its next value is, where its driver makes it. */
type Plan = { readonly name: string; readonly bits: Readonly<Record<string, number>>; readonly events: readonly Forecast[] }

export const plan: Command = {
  usage: "Says what would happen in the next days (30), when and why, if all goes well. Needs no key and changes nothing.",
  options: { days: { type: "string", value: "N", says: "how far to look ahead (30)" } },
  run: async (terminal, args, values) => {
    const days = Number(textOf(values, "days") ?? "30")
    if (!(days > 0 && days <= 3660)) throw new AppError("usage", "--days takes a number of days, up to 3660")
    const config = await openConfig(terminal, values)
    const now = terminal.host.now()
    const plans = await Promise.all([...selectionOf(config, args, { all: args.length === 0, tags: [] }).keys()].map(async (name) => ({ name, bits: bitsOf(config, name), events: await planOf(config, name, now, days) })))
    if (isSet(values, "json")) terminal.out(JSON.stringify({ days, environments: plans }))
    else for (const one of plans) for (const line of linesOf(config, one, now, days)) terminal.out(line)
    return exitCodes.done
  },
}

function bitsOf(config: Config, name: string): Plan["bits"] {
  const secrets = Object.values(config.environments[name]?.secrets ?? {})
  return Object.fromEntries(secrets.flatMap((secret) => {
    const bits = bitsIn(plugins, secret)
    return bits === undefined ? [] : [[secret.name, bits]]
  }))
}

async function planOf(config: Config, name: string, now: Date, days: number): Promise<readonly Forecast[]> {
  const environment = config.environments[name]
  if (environment === undefined) return []
  const document = await readState({ store: config.store, project: config.project, environment: name })
  return forecast(document, Object.values(environment.secrets), scheduleOf(environment), now, new Date(now.getTime() + days * dayMs))
}

function linesOf(config: Config, { name, bits, events }: Plan, now: Date, days: number): readonly string[] {
  const environment = config.environments[name]
  if (environment === undefined) return []
  const rows = events.map(({ at, rotates, revokes, late }) => [
    `  ${when(at, environment.timezone)}`,
    `in ${formatDuration(at.getTime() - now.getTime())}`,
    [...(rotates.length > 0 ? [`rotate ${rotates.map((one) => `${one} (${howOf(environment, one, bits)})`).join(", ")}`] : []), ...(revokes.length > 0 ? [`revoke the old ${revokes.join(", ")}`] : []), ...(late.length > 0 ? [`LATE: no tick comes before ${late.join(", ")} is too old`] : [])].join(" · "),
  ])
  return rows.length === 0 ? [`${name}: nothing in the next ${days} days`] : [`${name} (${environment.timezone})`, ...columns(rows)]
}

/** "every 90d, 191.9 bits". */
function howOf(environment: EnvironmentConfig, name: string, bits: Plan["bits"]): string {
  const strength = bits[name]
  return `every ${formatDuration(environment.secrets[name]?.rotateEveryMs ?? 0)}${strength === undefined ? "" : `, ${strength.toFixed(1)} bits`}`
}
