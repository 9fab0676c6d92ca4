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
import { type Revoked, revokeOwed } from "../../rotate/revoke.ts"
import { rotate } from "../../rotate/rotate.ts"
import { settleUnwritten } from "../../rotate/unwritten.ts"
import type { Outcomes } from "../../rotate/work.ts"
import type { App } from "../app.ts"
import { scheduleOf } from "../schedule-of.ts"
import { withEnvironment } from "../environment.ts"
import { optionsOf } from "../options-of.ts"
import { type RetryBudget, resumeWithRetries } from "../retry-budget.ts"

export type EnvironmentRun = {
  readonly outcomes: Outcomes
  readonly revoked: readonly Revoked[]
  readonly agenda: Agenda
  /** How far (ms) the state is ahead of the clock, where nothing was due for that. */
  readonly behindMs?: number
  /** What no turn ends: a person must carry on with the containment. */
  readonly uncontained: readonly UncontainedSecret[]
  /** Outputs that a containment could not write, and that cannot be written still. */
  readonly unwritten: readonly Owing[]
  /** Their services refuse the current value: nothing is done with them until a person acts. */
  readonly drifted: readonly Drifted[]
}

/** One service answers within seconds or is left for the next turn: the others wait for no one. */
const shortRetryBudget: RetryBudget = { totalMs: 3000, pauseMs: 1000 }

/**
 * One environment's turn in the service: end what is open, revoke what is due, rotate what is due,
 * look ahead. `rotate: false`: the clock is not to be trusted, so nothing is due; "unless-behind":
 * only if it is not before what the state knows of.
 */
export async function runEnvironment(
  app: App,
  environment: string,
  mode: { readonly rotate: boolean | "unless-behind" },
): Promise<EnvironmentRun> {
  const isTrusted = (document: StateDocument): boolean =>
    mode.rotate === "unless-behind"
      ? aheadOf(document, app.host.now()) === 0 || isSynchronised()
      : mode.rotate
  return withEnvironment(
    app,
    environment,
    shortRetryBudget,
    async ({ session, recovered, resumeDeferred, behindMs }) => {
      const options = optionsOf(app, environment)
      const ahead = (): Omit<EnvironmentRun, "outcomes" | "revoked"> => {
        const now = app.host.now()
        return {
          agenda: agendaOf(session.document, options, app.host),
          unwritten: owingIn(session.document),
          uncontained: uncontainedSecrets(session.document, now),
          drifted: driftedIn(session.document, options.secrets, now),
          ...(behindMs === 0 || mode.rotate === true ? {} : { behindMs }),
        }
      }
      if (session.changeSet !== undefined) return { outcomes: recovered, revoked: [], ...ahead() }
      const nothingDue = behindMs > 0 && mode.rotate === "unless-behind"
      if (nothingDue) return { outcomes: recovered, revoked: [], ...ahead() }
      await endDrifts(session)
      const before = await revokeOwed(session, { skipGrace: false })
      await settleUnwritten(session)
      const { due } = agendaOf(session.document, options, app.host)
      const started =
        due.length === 0 || mode.rotate === false || session.work.stop.aborted
          ? {}
          : await rotate(session, { secrets: due, why: "due" })
      const outcomes =
        session.changeSet === undefined
          ? started
          : await resumeWithRetries(session, shortRetryBudget, started)
      const after = session.work.stop.aborted
        ? []
        : await revokeOwed(session, { skipGrace: false, except: before })
      // Last: the others wait for no one.
      const late = await resumeDeferred()
      return {
        outcomes: { ...recovered, ...outcomes, ...late },
        revoked: [...before, ...after],
        ...ahead(),
      }
    },
    { isTrusted },
  )
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

/** The word of systemd-timesyncd, which a container does not have. */
function isSynchronised(): boolean {
  return existsSync("/run/systemd/timesync/synchronized")
}
