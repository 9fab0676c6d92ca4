import { present } from "../base/present.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import type { StateDocument } from "../core/state.ts"
import type { ChangeSet } from "../core/change-set.ts"
import { asJournal, makeWay, withJournal } from "../rotate/defer.ts"
import { awaitAgain } from "../rotate/acting.ts"
import { declareOver } from "../rotate/declare-over.ts"
import type { RevokeOptions } from "../rotate/revoke/owed.ts"
import type { Revoked } from "../rotate/revoke/revoked.ts"
import { Session } from "../rotate/session.ts"
import type { Outcomes, Work } from "../rotate/work.ts"
import type { App } from "./app.ts"
import { agreesWith, correctInstants } from "./environment/correct-instants.ts"
import { orLeave, withLogMaintenance } from "./environment/leave.ts"
import { type Locked, withLock } from "./environment/lock.ts"
import { resumeDeferred } from "./environment/resume-deferred.ts"
import { revokeBeside } from "./environment/revoke-beside.ts"
import { optionsIn, resumeJournal } from "./environment/resume-journal.ts"
import { tidy } from "./environment/tidy.ts"
import { refuseTaken } from "./belongs.ts"
import { ledgerOf } from "./ledger-of.ts"
import { chooseRun, openWork } from "./open.ts"
import { type RetryBudget, longRetryBudget } from "./retry-budget.ts"

export type PipelineOptions = {
  /** For a service that gives no clear answer; left out, as long as a person would wait. */
  readonly retryBudget?: RetryBudget
  /** The run that holds the lock is asked to let go between two steps; left out, an error names it. */
  readonly urgent?: boolean
  /**
   * May the present clock correct what a state says, and remove what is too old? Left out: only if
   * the two do not contradict each other.
   */
  readonly isTrusted?: (document: StateDocument) => boolean
}

export type Opened = {
  /** Opened with today's config, unless a journal is still open. */
  readonly session: Session
  /** What became of a journal that an earlier run left; empty if there was none. */
  readonly recovered: Outcomes
  /** How far (ms) the state is ahead of the clock, if the clock is not trusted; else 0. */
  readonly aheadMs: number
  /**
   * Asks again about the change sets that were put aside (those with one of these secrets; all, if
   * left out), each with its own options.
   */
  readonly resumeDeferred: (secrets?: readonly string[]) => Promise<Outcomes>
  /** If a rotation stays open: revokes what is owed of the secrets that are not in it. */
  readonly revokeBeside: (options: RevokeOptions) => Promise<readonly Revoked[]>
}

/**
 * The pipeline around every act on an environment: lock it, load and check its state, end what a
 * crash left, act with today's config, maintain the log, release the lock.
 */
export async function withEnvironment<T>(
  app: App,
  name: string,
  act: (opened: Opened) => Promise<T>,
  options: PipelineOptions = {},
): Promise<T> {
  return withLock(
    app,
    name,
    async (locked) => {
      const { serial, ...opened } = await openEnvironment(locked, {
        retryBudget: options.retryBudget ?? longRetryBudget,
        noWait: options.urgent === true,
        ...present({ isTrusted: options.isTrusted }),
      })
      return withLogMaintenance(locked, { session: opened.session, serial }, () => act(opened))
    },
    options,
  )
}

type Opening = {
  readonly retryBudget: RetryBudget
  /** What gives no clear answer is asked once, and left. */
  readonly noWait: boolean
  readonly isTrusted?: (document: StateDocument) => boolean
  /** A person has looked that no program of an earlier run still runs. */
  readonly nothingRuns?: boolean
}

/** From the lock to the act. `serial`: of the state as it was found. */
export async function openEnvironment(
  { app, today, place, stops }: Locked,
  { retryBudget, noWait, isTrusted = agreesWith(app), nothingRuns = false }: Opening,
): Promise<Opened & { readonly serial: number }> {
  // Load and check the state; open the plug-ins, with the options of a journal if one is open.
  const ledger = ledgerOf(app, place)
  const found = await ledger.load()
  await refuseTaken(app, today, found)
  const document = withJournal(found)
  const { serial } = document
  const run = chooseRun(app, document, { over: nothingRuns })
  const { stop, forceStop } = stops
  const open = (options: EnvironmentConfig): Work =>
    openWork(app, { options, ledger, document, run, stop, forceStop, stops })
  const begun = document.changeSet && optionsIn(document.changeSet)
  const session = stops.follow(
    new Session(open(begun ?? today), document, { clockDoubted: !isTrusted(document) }),
  )

  const aheadMs = await putInOrder(session, { nothingRuns })

  // End the journal, with its own options; then go on with today's config.
  const ended =
    begun === undefined
      ? { session, recovered: {} }
      : await orLeave(session, () =>
          resumeJournal(session, {
            open,
            today,
            retryBudget,
            noWait,
            stops,
            onEnded: (outcomes) => app.onEndedFirst?.(today.name, outcomes),
          }),
        )
  return {
    ...ended,
    serial,
    aheadMs,
    resumeDeferred: (secrets) => resumeDeferred(ended.session, { open, secrets, noWait, stops }),
    revokeBeside: (options) => revokeBeside(ended.session, { app, open, today, stops }, options),
  }
}

/** Log lines, outputs and instants, as an earlier run may have left them; how far those are ahead. */
async function putInOrder(
  session: Session,
  { nothingRuns }: { readonly nothingRuns: boolean },
): Promise<number> {
  await session.flush()
  await tidy(session)
  if (nothingRuns) await declareOver(session)
  await awaitAgain(session)
  return correctInstants(session)
}

/** A rotation that is not finished as a recovery goes on with it: as the journal, with its own options. */
export type OpenAsBegun = (set: ChangeSet) => Session

/**
 * Under the lock, with today's config, for acts that only look: an open journal stays open, nothing
 * is written, the log is not maintained.
 */
export function inspectEnvironment<T>(
  app: App,
  name: string,
  act: (session: Session, asBegun: OpenAsBegun) => Promise<T>,
): Promise<T> {
  return withLock(app, name, async ({ app: now, today, place, stops }) => {
    const { stop, forceStop } = stops
    const ledger = ledgerOf(now, place)
    const loaded = await ledger.load()
    await refuseTaken(now, today, loaded)
    const document = withJournal(loaded)
    const open = (options: EnvironmentConfig, found: StateDocument): Session =>
      new Session(openWork(now, { options, ledger, document, stop, forceStop }), found, {
        clockDoubted: true,
      })
    return act(open(today, document), (set) =>
      open(optionsIn(set), asJournal(makeWay(document), set)),
    )
  })
}
