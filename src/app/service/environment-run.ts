import type { EnvironmentConfig } from "../../config/model.ts"
import { existsSync } from "node:fs"
import type { Host } from "../../base/system/host.ts"
import { type Agenda, agenda } from "../../plan/agenda.ts"
import { type Drifted, driftedIn } from "../../plan/drifted.ts"
import { type UncontainedSecret, uncontainedSecrets } from "../../plan/uncontained.ts"
import { gracesOf } from "../../core/graces.ts"
import { aheadOf } from "../../core/instants.ts"
import type { StateDocument } from "../../core/state.ts"
import { type Owing, owingIn } from "../../core/unwritten.ts"
import { endDrifts } from "../../rotate/drift.ts"
import { type Revoked } from "../../rotate/revoke/revoked.ts"
import { revokeOwed } from "../../rotate/revoke.ts"
import { rotate } from "../../rotate/rotate.ts"
import { settleUnwritten } from "../../rotate/unwritten/settle.ts"
import type { Outcomes } from "../../rotate/work.ts"
import type { App } from "../app.ts"
import { scheduleOf } from "../schedule-of.ts"
import { type Opened, withEnvironment } from "../environment.ts"
import { optionsOf } from "../options-of.ts"
import { type RetryBudget, resumeWithRetries } from "../retry-budget.ts"

export type EnvironmentRun = {
  readonly outcomes: Outcomes
  readonly revoked: readonly Revoked[]
  /** By secret: why it was due in this run. */
  readonly causes: Agenda["causes"]
  readonly agenda: Agenda
  /** How far (ms) the state is ahead of the clock, if nothing was due because of that. */
  readonly aheadMs?: number
  /** No run ends it: a person must carry on with the containment. */
  readonly uncontained: readonly UncontainedSecret[]
  /** Outputs that a containment could not write, and that still cannot be written. */
  readonly unwritten: readonly Owing[]
  /** Their services refuse the current value: nothing is done with them until a person acts. */
  readonly drifted: readonly Drifted[]
}

/** A service answers within seconds, or is left for the next run: the others do not wait for it. */
const shortRetryBudget: RetryBudget = { totalMs: 3000, pauseMs: 1000 }

type Mode = {
  /**
   * False: the clock is not to be trusted, so nothing is due; "unless-behind": something is due only
   * if the clock is not before what the state knows of.
   */
  readonly rotate: boolean | "unless-behind"
}

/**
 * One environment's run in the service: end what is open, revoke what is due, rotate what is due,
 * look ahead.
 */
export async function runEnvironment(
  app: App,
  environment: string,
  mode: Mode,
): Promise<EnvironmentRun> {
  const isTrusted = (document: StateDocument): boolean =>
    mode.rotate === "unless-behind"
      ? aheadOf(document, app.host.now()) === 0 || isSynchronised()
      : mode.rotate
  return withEnvironment(
    app,
    environment,
    async (opened) => {
      const { session, recovered, aheadMs } = opened
      const mayAct = !(aheadMs > 0 && mode.rotate === "unless-behind")
      const done = mayAct
        ? await actOn(app, opened, mode)
        : { outcomes: {}, revoked: [], causes: {} }
      return {
        outcomes: { ...recovered, ...done.outcomes },
        revoked: done.revoked,
        causes: done.causes,
        ...standingOf(app, environment, session.document),
        ...(aheadMs === 0 || mode.rotate === true ? {} : { aheadMs }),
      }
    },
    { isTrusted, retryBudget: shortRetryBudget },
  )
}

/**
 * Revokes and rotates what is due; then asks again about what was put aside: it may take longest. A
 * rotation that stays open lets through revokes alone.
 */
async function actOn(
  app: App,
  { session, resumeDeferred, revokeBeside }: Opened,
  { rotate: mayRotate }: Mode,
): Promise<Pick<EnvironmentRun, "outcomes" | "revoked" | "causes">> {
  const { stop, environment } = session.work
  if (session.changeSet !== undefined)
    return { outcomes: {}, revoked: await revokeBeside({ skipGrace: false }), causes: {} }
  await endDrifts(session)
  const before = await revokeOwed(session, { skipGrace: false })
  await settleUnwritten(session)
  const { due, causes } = agendaOf(session.document, optionsOf(app, environment), app.host)
  const started =
    due.length === 0 || mayRotate === false || stop.aborted
      ? {}
      : await rotate(session, { secrets: due, why: "due", due: causes })
  const outcomes =
    session.changeSet === undefined
      ? started
      : await resumeWithRetries(session, shortRetryBudget, started)
  const after = stop.aborted ? [] : await revokeOwed(session, { skipGrace: false, except: before })
  const late = await resumeDeferred()
  return { outcomes: { ...outcomes, ...late }, revoked: [...before, ...after], causes }
}

/** How the environment stands after the run. */
function standingOf(
  app: App,
  environment: string,
  document: StateDocument,
): Pick<EnvironmentRun, "agenda" | "unwritten" | "uncontained" | "drifted"> {
  const options = optionsOf(app, environment)
  const now = app.host.now()
  return {
    agenda: agendaOf(document, options, app.host),
    unwritten: owingIn(document),
    uncontained: uncontainedSecrets(document, now),
    drifted: driftedIn(document, options.secrets, now),
  }
}

export function agendaOf(
  document: StateDocument | undefined,
  options: EnvironmentConfig,
  host: Host,
): Agenda {
  const found = document && gracesOf(host).seen(document)
  return {
    ...agenda(found, Object.values(options.secrets), scheduleOf(options), host.now()),
    aheadMs: document === undefined ? 0 : aheadOf(document, host.now()),
  }
}

/** By systemd-timesyncd, which a container does not have. */
function isSynchronised(): boolean {
  return existsSync("/run/systemd/timesync/synchronized")
}
