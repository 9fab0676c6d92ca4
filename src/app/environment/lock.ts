import { AppError } from "../../base/error.ts"
import { takeLock } from "../../base/files/lock.ts"
import type { EnvironmentConfig } from "../../config/model.ts"
import { type StateKey, lockPath, makeStateFolder } from "../../record/state-file.ts"
import type { App } from "../app.ts"
import { demand, lockedHint } from "../held.ts"
import { optionsOf } from "../options-of.ts"
import { withFreshKeys } from "./fresh-keys.ts"
import { StopSignals } from "./stop-signals.ts"

export type Locked = {
  /** With the present keys. */
  readonly app: App
  /** What today's config says of the environment. */
  readonly today: EnvironmentConfig
  readonly place: StateKey
  readonly stops: StopSignals
}

/**
 * Nothing else works on the environment meanwhile. `urgent`: the run that holds the lock is asked to
 * let go between two steps; otherwise an error names it.
 */
export async function withLock<T>(
  app: App,
  name: string,
  act: (locked: Locked) => Promise<T>,
  options: { readonly urgent?: boolean } = {},
): Promise<T> {
  // First, so that a mistyped name leaves no lock file behind.
  const today = optionsOf(app, name)
  const place: StateKey = {
    store: app.config.store,
    project: app.config.project,
    environment: name,
  }
  await makeStateFolder(place)
  const path = lockPath(place)
  const lock =
    options.urgent === true ? await demand(app, name, path) : await takeLock(path, app.holder)
  if ("heldBy" in lock) throw lockedBy(name, lock.heldBy, path)
  const stops = new StopSignals(app, name, path)
  const leave = app.activity.join()
  try {
    // Under the lock: a run that seals all anew has either been here, or waits for us.
    return await act({ app: await withFreshKeys(app), today, place, stops })
  } finally {
    await leave()
    stops.release()
    lock.release()
  }
}

export function lockedBy(name: string, heldBy: string, path: string): AppError {
  return new AppError("locked", `${name} is being worked on by ${heldBy}`, {
    remedy: "retry",
    hint: lockedHint(path),
  })
}
