import type { bitsBy } from "../app/shape-in.ts"
import { scheduleOf } from "../app/schedule-of.ts"
import { present } from "../base/present.ts"
import { type LeftSecret, leftSecrets } from "../check/left-environments.ts"
import type { Folder } from "../base/files/folder.ts"
import type { Config, EnvironmentConfig } from "../config/model.ts"
import { changedIn } from "../core/changed-driver.ts"
import { withinMsOf } from "../core/entry.ts"
import { believable } from "../core/instants.ts"
import { type StateDocument, isUndated } from "../core/state.ts"
import { offOutputsOf } from "../core/off-outputs.ts"
import type { Finding } from "../core/ports.ts"
import { MountGate } from "../base/files/mount-gate.ts"
import { offOutputs } from "../check/off-outputs.ts"
import { outputSilence } from "../check/silent.ts"
import { type Owing, owingIn, seenGone } from "../core/unwritten.ts"
import { type Forecast, forecast } from "../plan/forecast.ts"
import { type HeldRevoke, heldRevokes } from "../plan/held-revokes.ts"
import { type Drifted, driftedIn } from "../plan/drifted.ts"
import { type Waiting, waitingIn } from "../plan/waiting.ts"
import { type UncontainedSecret, uncontainedSecrets } from "../plan/uncontained.ts"
import { newSecrets } from "../plan/new-secrets.ts"
import { readState } from "../record/state-file.ts"
import { openJournals } from "./open-journals.ts"

/** What would happen in one environment, as far as its state tells. */

const dayMs = 86_400_000
/** How far `plan` looks ahead at the most. */
export const mostDays = 3660

/**
 * `undated`: secrets of unknown age. `bits`: by secret, how strong its next value is, if its driver
 * makes it.
 */
export type Plan = {
  readonly name: string
  readonly bits: Readonly<Record<string, number>>
  readonly events: readonly Forecast[]
  readonly next?: Date
  readonly undated: readonly string[]
  /** Secrets without a value. */
  readonly fresh: readonly string[]
  /** Secrets with which nothing new is begun until something is over. */
  readonly waiting: readonly Waiting[]
  /** Old values that could not be taken away yet. */
  readonly held: readonly HeldRevoke[]
  /** Rotations that are not finished, as `status` says it. */
  readonly journals: readonly string[]
  readonly uncontained: readonly UncontainedSecret[]
  readonly unwritten: readonly Owing[]
  readonly drifted: readonly Drifted[]
  /** By secret: the config names another driver than its values are of. */
  readonly changed: ReturnType<typeof changedIn>
  /** Outputs that show something else than what was delivered, as the service has seen them. */
  readonly off: readonly Finding[]
  /** Out of the config, and something is owed of them: no run reaches them. */
  readonly unlisted: readonly LeftSecret[]
}

type About = {
  readonly config: Config
  readonly folder: Folder | undefined
  readonly now: Date
  readonly days: number
  readonly bits: ReturnType<typeof bitsBy>
}

export function bitsOf({ config, bits }: About, name: string): Plan["bits"] {
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
  held: [],
  journals: [],
  uncontained: [],
  unwritten: [],
  drifted: [],
  changed: {},
  off: [],
  unlisted: [],
}

export async function planOf(
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
  const document = found && seenGone(believable(found, now), environment.deployments)
  const changed = changedIn(document, environment.secrets)
  const kept = keptFor(environment).filter((one) => changed[one.name] === undefined)
  const until = (ahead: number): readonly Forecast[] =>
    forecast(document, kept, scheduleOf(environment), {
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
    held: heldRevokes(document, now),
    journals: openJournals(config, name, found),
    uncontained: uncontainedSecrets(document, now),
    unwritten: owingIn(document),
    drifted: driftedIn(document, environment.secrets, now),
    changed,
    off: await offIn(config, name, document),
    unlisted: leftSecrets(environment, document),
  }
}

/** A file system that gives no answer is not looked at. */
async function offIn(
  config: Config,
  name: string,
  document: StateDocument | undefined,
): Promise<readonly Finding[]> {
  if (document === undefined || offOutputsOf(document).length === 0) return []
  const { silent } = await outputSilence(config, new MountGate())
  return offOutputs(config, [{ name, document }], silent)
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
