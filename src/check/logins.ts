import type { CheckedLogin } from "./self-tests/logins.ts"
import type { Environment } from "./self-tests/state.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import type { Credential, Versions } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { type StateDocument } from "../core/state.ts"
import { present } from "../base/present.ts"
import { incidentOf, isTakenAway } from "../core/contained.ts"
import { openSetOf } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { ActivityScope } from "../base/activity-scope.ts"
import { KeyedSemaphore } from "../base/semaphore.ts"
import { FileLedger } from "../record/ledger.ts"
import type { Keys } from "../record/keys.ts"
import { driverOf } from "../rotate/ask.ts"
import { hiddenActOf } from "../rotate/elsewhere.ts"
import { Session } from "../rotate/session.ts"
import type { App } from "../app/app.ts"
import type { Checked } from "./request.ts"
import { openWork } from "../app/open.ts"
import { writeReading } from "../app/reading.ts"

/** What `check --connect` asks services; loaded for that alone, for it takes all that rotates. */

/** Every secret that has a value at a service and is not being rotated right now. */
export function loginsOf(
  checked: Checked,
  keys: Keys,
  environments: readonly Environment[],
): readonly CheckedLogin[] {
  const { config, plugins, host, stop, whoAsks } = checked
  const app: App = {
    config,
    plugins,
    host,
    keys,
    stop,
    actor: whoAsks(),
    holder: "mycelium check",
    onProgress: () => undefined,
    turns: new KeyedSemaphore(config.perServer),
    activity: new ActivityScope(),
  }
  return environments.flatMap(({ name, document }) => {
    const options = config.environments[name]
    return document === undefined || options === undefined ? [] : loginsIn(app, options, document)
  })
}

/** What a containment took away: if it stands at the service again, it is told from a stranger's. */
async function takenAway(session: Session, name: string): Promise<readonly Credential[]> {
  const state = session.state(name)
  if (state.contained === undefined) return []
  const retired = state.versions.filter(
    ({ id, stage }) => stage.kind === "retired" && isTakenAway(state, id),
  )
  return Promise.all(retired.map(({ id }) => session.open(name, id)))
}

function loginsIn(
  app: App,
  options: EnvironmentConfig,
  document: StateDocument,
): readonly CheckedLogin[] {
  const place = { store: app.config.store, project: app.config.project, environment: options.name }
  const session = new Session(
    openWork(app, {
      options,
      ledger: new FileLedger(place, app.keys.mac, () => ""),
      document,
      stop: app.stop,
      forceStop: app.stop,
    }),
    document,
    { clockDoubted: true },
  )
  const names = Object.keys(options.secrets).filter(
    (name) =>
      driverOf(session, name).overlap !== "none" &&
      openSetOf(document, name) === undefined &&
      hiddenActOf(session, name) === undefined,
  )
  const held = names.filter((name) => versionAt(session.state(name), "current") !== undefined)
  // One line for all of an environment, before the first of them is opened.
  let written: Promise<void> | undefined
  const versions = async (name: string): Promise<Versions> => {
    if (held.includes(name))
      await (written ??= writeReading(app, options.name, { event: "check", secrets: held }))
    return { ...(await session.versions(name)), retired: await takenAway(session, name) }
  }
  return names.map((name) => ({
    place: `${options.name}/${name}`,
    driver: driverOf(session, name),
    versions: () => versions(name),
    ...present({ incident: incidentOf(session.state(name)) }),
    wrong: (like) => wrongLike(session, like),
  }))
}

/** With a random value in the place of each secret one. */
function wrongLike({ work }: Session, { fields }: Credential): Credential {
  const texts = Object.entries(fields).map(([field, value]) => [
    field,
    value instanceof Secret ? work.text(field) : value,
  ])
  return { version: "control", fields: Object.fromEntries(texts) }
}
