import { present } from "../base/present.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import { chosenSince, youngestIn } from "../record/audit-read.ts"
import type { Behind } from "../record/older-than-log.ts"
import { assumeOver } from "../rotate/declare-over.ts"
import { withJournal } from "../rotate/defer.ts"
import { reconcile as find } from "../rotate/reconcile.ts"
import { type NotContained, uncontainedIn } from "../rotate/reconcile/contained.ts"
import type { Finds, ReconcileOptions } from "../rotate/reconcile/finding.ts"
import { declareGone } from "./declare-gone.ts"
import { revokeOwed } from "../rotate/revoke.ts"
import type { Revoked } from "../rotate/revoke/revoked.ts"
import { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"
import type { App } from "../app/app.ts"
import { refuseTaken } from "../app/belongs.ts"
import { openEnvironment } from "../app/environment.ts"
import { agreesWith } from "../app/environment/correct-instants.ts"
import { withLogMaintenance } from "../app/environment/leave.ts"
import { type Locked, withLock } from "../app/environment/lock.ts"
import { ledgerOf } from "../app/ledger-of.ts"
import { longRetryBudget } from "../app/retry-budget.ts"
import { chooseRun, openWork } from "../app/open.ts"

export type Reconciliation = {
  readonly found: Finds
  /**
   * False where a dry run, or a service that gave no clear answer, kept a state that is older than
   * its log from being taken.
   */
  readonly written: boolean
  /** The state is older than its log. */
  readonly behind?: Behind
  /** Secrets of a rotation that is still not finished. */
  readonly open: readonly string[]
  /** By secret: what is not contained by what was found, or by what the log says. */
  readonly uncontained: Readonly<Record<string, NotContained>>
  /** What became of a journal that was open. */
  readonly recovered: Outcomes
  readonly revoked: readonly Revoked[]
}

/**
 * `nothingRuns`: a person has looked that no program of an earlier run lives where this one cannot
 * see it.
 */
export type Reconcile = Pick<ReconcileOptions, "dryRun" | "deep"> & {
  readonly nothingRuns?: boolean
  /** A program that the config has no more, and that does not run any more. */
  readonly gone?: string
}

/**
 * Finds out which version each service accepts, makes it the current one, and lets outputs and
 * deployments follow.
 */
export async function reconcile(
  app: App,
  environment: string,
  options: Reconcile,
): Promise<Reconciliation> {
  return withLock(app, environment, async (locked) => {
    const {
      session,
      serial,
      recovered: first,
      resumeDeferred,
      behind,
    } = await open(locked, options)
    const act = async (): Promise<Reconciliation> => {
      if (options.gone !== undefined) await declareGone(session, options.gone)
      const recovered = { ...first, ...(await resumeDeferred()) }
      const context =
        behind === undefined
          ? {}
          : {
              behind: {
                ...behind,
                youngest: await youngestIn(locked.place),
                chosen: await chosenSince(locked.place, behind.serial),
              },
            }
      const { found, written } = await find(session, { ...options, ...context })
      const revoked =
        written && session.changeSet === undefined
          ? await revokeOwed(session, { skipGrace: false })
          : []
      const open = session.changeSet?.secrets ?? []
      const uncontained = uncontainedIn(session, found, context)
      return { found, written, ...present({ behind }), open, uncontained, recovered, revoked }
    }
    return options.dryRun ? act() : withLogMaintenance(locked, { session, serial }, act)
  })
}

type Opened = {
  readonly session: Session
  readonly serial: number
  readonly recovered: Outcomes
  readonly resumeDeferred: () => Promise<Outcomes>
  readonly behind?: Behind
}

/**
 * A journal is ended first, unless nothing is to be done, or it is part of a state that may have
 * been overtaken.
 */
async function open(locked: Locked, { dryRun, nothingRuns = false }: Reconcile): Promise<Opened> {
  const { app, today, stops } = locked
  const ledger = ledgerOf(app, locked.place)
  const { document: found, behind } = await ledger.loadAny()
  await refuseTaken(app, today, found)
  const document = behind === undefined ? withJournal(found) : found
  if (behind === undefined && !dryRun) {
    const opened = await openEnvironment(locked, {
      retryBudget: longRetryBudget,
      noWait: false,
      nothingRuns,
    })
    return { ...opened, resumeDeferred: () => opened.resumeDeferred() }
  }
  const begun =
    behind !== undefined || document.changeSet === undefined
      ? today
      : (JSON.parse(document.changeSet.startedWith) as EnvironmentConfig)
  const session = new Session(
    openWork(app, {
      options: begun,
      ledger,
      document,
      run: chooseRun(app, document, { over: nothingRuns }),
      stop: stops.stop,
      forceStop: stops.forceStop,
      stops,
    }),
    document,
    { clockDoubted: dryRun || !agreesWith(app)(document) },
  )
  if (nothingRuns) assumeOver(session)
  return {
    session: dryRun ? session : stops.follow(session),
    serial: document.serial,
    recovered: {},
    resumeDeferred: () => Promise.resolve({}),
    ...present({ behind }),
  }
}
