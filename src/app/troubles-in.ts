import type { StateDocument } from "../core/state.ts"
import { type Foreseen, type Trouble, foreseenTroubles, troublesOf } from "../plan/troubles.ts"
import type { App } from "./app.ts"
import { scheduleOf } from "./schedule-of.ts"

/** What is wrong in an environment, by its part of the config: for all who tell people of it. */

type Of = Pick<App, "config" | "host">
type Ask<Found> = (...asked: Parameters<typeof troublesOf>) => readonly Found[]

export function troublesIn(
  of: Of,
  environment: string,
  document: StateDocument | undefined,
): readonly Trouble[] {
  return ask(troublesOf, of, environment, document)
}

/** Also those that time alone will bring. */
export function foreseenIn(
  of: Of,
  environment: string,
  document: StateDocument | undefined,
): readonly Foreseen[] {
  return ask(foreseenTroubles, of, environment, document)
}

function ask<Found>(
  by: Ask<Found>,
  { config, host }: Of,
  environment: string,
  document: StateDocument | undefined,
): readonly Found[] {
  const options = config.environments[environment]
  if (options === undefined) return []
  const secrets = Object.values(options.secrets)
  return by(document, { environment, secrets, schedule: scheduleOf(options) }, host.now())
}
