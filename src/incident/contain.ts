import { openSets } from "../core/change-set.ts"
import { containedFor } from "../core/contained.ts"
import { describeError } from "../base/error.ts"
import { settleUnwritten } from "../rotate/unwritten/settle.ts"
import { mapConcurrently } from "../base/semaphore.ts"

import { recheckHealth } from "../rotate/recheck-health.ts"
import { takeBackJournal } from "../rotate/recover.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"

import type { App } from "../app/app.ts"
import { hearEndedFirst } from "../app/ended-first.ts"
import { type Opened, withEnvironment } from "../app/environment.ts"
import { optionsOf } from "../app/options-of.ts"
import { slowReadersOf } from "../app/slow-readers.ts"
import { unshownSecret } from "../app/unshown.ts"
import type { RetryBudget } from "../app/retry-budget.ts"
import { withLeftOver } from "../app/left-over.ts"
import { readState } from "../record/state-file.ts"
import { aheadOf } from "../core/instants.ts"
import { isLeft } from "../core/unlisted.ts"
import { wordsOf } from "./chosen.ts"
import { containSecrets } from "./contain-secrets.ts"
import type { Acted, Chosen, Contain, Contained, Task } from "./containment.ts"
import { noteUncontained, unnoted } from "./note-uncontained.ts"
import { shownLeaked } from "./shown-leaked.ts"
import { uncontainedSecrets } from "./verdict.ts"
import { verdictsOf } from "./verdicts.ts"

/** Environments worked on at once. */
const sideBySideMost = 8
/** How long what an earlier run left is asked about before the rest goes on. */
const shortRetryBudget: RetryBudget = { totalMs: 3000, pauseMs: 500 }

/**
 * Gives everything that was chosen a fresh value; then no other value, and no earlier session,
 * lives. One environment's failure is its own.
 */
export async function contain(
  app: App,
  chosen: ReadonlyMap<string, readonly string[] | undefined>,
  options: Contain,
): Promise<readonly Contained[]> {
  const selection = wordsOf(app, chosen)
  return mapConcurrently(sideBySideMost, [...chosen], async ([environment, secrets]) => {
    const task = { secrets, selection, options }
    // One that the config has no more: nothing reaches its services, and that is said of each value.
    const { app: here, ended } = hearEndedFirst(withLeftOver(app, environment))
    try {
      const act = (opened: Opened): Promise<Contained> => containOpened(here, opened, task)
      return await withEnvironment(here, environment, act, {
        urgent: true,
        retryBudget: shortRetryBudget,
      })
    } catch (error) {
      return notBegun(here, environment, task, { error, recovered: ended() })
    }
  })
}

async function containOpened(
  app: App,
  { session, recovered, resumeDeferred }: Opened,
  task: Task,
): Promise<Contained> {
  const { serial } = session.document
  const acted = await containSecrets(session, task, {
    ...recovered,
    ...(await resumeDeferred(task.secrets)),
  })
  await settle(session, task.secrets)
  await noteUncontained(session, acted, task)
  const open = openSets(session.document).map(({ startedAt, direction, secrets }) => ({
    startedAt,
    direction,
    secrets,
  }))
  // A run that is asked to stop in here has contained what the report says, and has not looked at
  // the programs again.
  const unhealthy = await stillUnhealthy(session, acted, task).catch((error: unknown) =>
    notLooked(session, acted, error),
  )
  const shows = await shownLeaked(session)
  const secrets = verdictsOf(session, { ...acted, unhealthy, shows }, task)
  const left = Object.keys(secrets).filter((name) => secrets[name]?.kind === "not-contained")
  const noted = await unnoted(app, acted.environment, left, task.options.incident)
  await takeBack(session, serial)
  const aheadMs = aheadOf(session.document, app.host.now())
  return {
    ...acted,
    open,
    unhealthy,
    shows,
    secrets,
    ...noted,
    ...cutOffIn(app, acted),
    ...(aheadMs === 0 ? {} : { aheadMs }),
  }
}

/** Programs that cannot know a new value, or learn it late. */
function cutOffIn(
  app: App,
  { environment, outcomes }: Acted,
): Pick<Contained, "unshown" | "slowReaders"> {
  const options = optionsOf(app, environment)
  const rotated = Object.keys(outcomes).filter((name) => outcomes[name]?.kind === "rotated")
  const unshown = rotated.filter((name) => unshownSecret(app.plugins, options, name).length > 0)
  const slowReaders = rotated.flatMap((name) => slowReadersOf(app.plugins, options, name) ?? [])
  return {
    ...(unshown.length === 0 ? {} : { unshown }),
    ...(slowReaders.length === 0 ? {} : { slowReaders }),
  }
}

/** Nothing could be done there: none of its secrets is contained. */
async function notBegun(
  app: App,
  environment: string,
  { secrets, options }: Chosen,
  { error, recovered }: { readonly error: unknown; readonly recovered: Outcomes },
): Promise<Contained> {
  const all = secrets ?? (await namesIn(app, environment))
  const failed = describeError(error)
  return {
    environment,
    open: [],
    recovered,
    outcomes: {},
    revoked: [],
    before: [],
    asked: {},
    unhealthy: {},
    shows: [],
    secrets: Object.fromEntries(all.map((name) => [name, uncontainedSecrets(failed)])),
    failed,
    ...(await unnoted(app, environment, all, options.incident)),
  }
}

/** As far as they are known: those of the config, and those of the state that are left beside it. */
async function namesIn({ config }: App, environment: string): Promise<readonly string[]> {
  const { store, project } = config
  const document = await readState({ store, project, environment }).catch(() => undefined)
  const left = Object.entries(document?.secrets ?? {}).flatMap(([name, state]) =>
    isLeft(state) ? [name] : [],
  )
  return [...new Set([...Object.keys(config.environments[environment]?.secrets ?? {}), ...left])]
}

/** If that fails, the next run finds the journal, and does it. */
async function takeBack(session: Session, serialBefore: number): Promise<void> {
  try {
    await takeBackJournal(session, serialBefore)
  } catch (error) {
    session.work.onProgress("log", describeError(error).message)
  }
}

/**
 * Tries outputs that could not be written once more: what stood in the way may be gone, and an
 * earlier run may have left some.
 */
async function settle(session: Session, secrets: readonly string[] | undefined): Promise<void> {
  try {
    await settleUnwritten(session, secrets)
  } catch (error) {
    // What became of the secrets is known all the same, and is said.
    session.work.onProgress("deliver", describeError(error).message)
  }
}

/**
 * Programs that an earlier run of this incident left unhealthy. They are asked last, for nothing
 * waits for them.
 */
function stillUnhealthy(
  session: Session,
  { recovered, outcomes }: Acted,
  { secrets, options: { incident } }: Chosen,
): Promise<Readonly<Record<string, string>>> {
  const now = { ...recovered, ...outcomes }
  const before = (secrets ?? Object.keys(session.work.drivers)).filter(
    (name) =>
      containedFor(session.state(name), incident) !== undefined && now[name]?.kind !== "rotated",
  )
  return recheckHealth(session, before, incident)
}

function notLooked(
  session: Session,
  { before }: Pick<Contained, "before">,
  error: unknown,
): Readonly<Record<string, string>> {
  const unhealthy = before.filter((name) => session.state(name).unhealthy !== undefined)
  return Object.fromEntries(
    unhealthy.map((name) => [
      name,
      `its programs were not looked at again: ${describeError(error).message}`,
    ]),
  )
}
