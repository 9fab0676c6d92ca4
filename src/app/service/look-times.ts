import { defaultWatchMs } from "../../config/model.ts"
import type { App } from "../app.ts"
import { lookAgainMs } from "./clock-watch.ts"

/** When an environment is looked at: by its config, and spread, so that no server hears all at once. */

/**
 * The daemon's timer is shortened only for looks that are more frequent than this; others begin
 * whenever it fires, at least once a minute.
 */
export const frequentMs = 600_000
export const never = Number.POSITIVE_INFINITY

export function firstLookAt(app: App, environment: string): number {
  const everyMs = watchMsOf(app, environment)
  return everyMs === null ? never : app.host.monotonicMs() + punctual(everyMs) * share(app)
}

export function watchMsOf(app: App, environment: string): number | null {
  const own = app.config.environments[environment]?.watchMs
  return own === undefined ? defaultWatchMs : own
}

/**
 * Somewhere in the last fifth of the time, so that it is never exceeded and no server hears all
 * environments at once.
 */
export function spread(app: App, everyMs: number): number {
  return punctual(everyMs) * (0.8 + 0.2 * share(app))
}

/** The timer may fire a minute late, unless it was set for a frequent look. */
function punctual(everyMs: number): number {
  return everyMs < frequentMs ? everyMs : everyMs - lookAgainMs
}

function share(app: App): number {
  const [high = 0, low = 0] = app.host.random(2)
  return (high * 256 + low) / 65_536
}
