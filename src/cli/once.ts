import type { App } from "../app/app.ts"
import { hearEndedFirst } from "../app/ended-first.ts"
import { type EnvironmentRun, runEnvironment } from "../app/service/environment-run.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import { noteOutputs } from "../app/service/look-at-outputs.ts"
import { AppError, describeError } from "../base/error.ts"
import { formatDuration } from "../base/text/duration.ts"
import { offOutputsOf } from "../core/off-outputs.ts"
import { readState } from "../record/state-file.ts"
import { isOutOfSight } from "../rotate/work.ts"
import { exitCodeOf, exitCodes } from "./exit-codes.ts"
import { foundRefused, needsPerson } from "./service-events.ts"

/** `run --once`: one run of each environment. 0 if nothing is left that could be done now. */
export async function once(app: App, watch: ServiceEvents): Promise<number> {
  const codes = await Promise.all(
    Object.keys(app.config.environments).map(async (environment) => {
      const { app: heard, ended } = hearEndedFirst(app)
      try {
        const turn = await runEnvironment(heard, environment, { rotate: "unless-behind" })
        watch.turned(environment, turn)
        watch.uncontained(environment, turn.uncontained)
        watch.unwritten(environment, turn.unwritten)
        // What this turn has found is told by it.
        for (const one of turn.drifted.filter(({ secret }) => !foundRefused(turn).has(secret)))
          watch.drifted(environment, { ...one, kind: "refused" })
        if (turn.aheadMs !== undefined)
          watch.failed(
            environment,
            "clock-behind",
            `the state knows of a time that is ${formatDuration(turn.aheadMs)} from now: ` +
              "the clock is wrong now, or was wrong then, and nothing is due by it",
          )
        const shown = await noteOutputs(app, environment)
        for (const one of shown) if (one.same !== true) watch.shown(environment, one)
        return (await showsNoCurrent(app, environment)) ? exitCodes.person : exitOfTurn(turn)
      } catch (error) {
        watch.endedFirst?.(environment, ended())
        const { code, message } = describeError(error)
        watch.failed(environment, code, message)
        if (Object.values(ended()).some(needsPerson)) return exitCodes.person
        return error instanceof AppError ? exitCodeOf(error.code) : exitCodes.failed
      }
    }),
  )
  const worst = Math.max(0, ...codes)
  return worst !== 0 && codes.some((code) => code === 0) && worst === exitCodes.failed
    ? exitCodes.partly
    : worst
}

const needsRender: ReadonlySet<string> = new Set(["output-stale", "output-missing"])

/**
 * A file is missing, or shows programs a value that is no longer current: no run writes it again by
 * itself.
 */
async function showsNoCurrent({ config }: App, environment: string): Promise<boolean> {
  const { store, project } = config
  const document = await readState({ store, project, environment }).catch(() => undefined)
  return document !== undefined && offOutputsOf(document).some(({ code }) => needsRender.has(code))
}

function exitOfTurn(turn: EnvironmentRun): number {
  const outcomes = Object.values(turn.outcomes)
  if (turn.aheadMs !== undefined) return exitCodes.failed
  if (
    turn.drifted.length > 0 ||
    turn.uncontained.length > 0 ||
    turn.unwritten.length > 0 ||
    outcomes.some(needsPerson) ||
    turn.revoked.some(staysOwed)
  )
    return exitCodes.person
  if (
    turn.agenda.owed ||
    outcomes.some((one) => one.kind !== "rotated" || one.unhealthy !== undefined)
  )
    return outcomes.some((one) => one.kind === "rotated") ? exitCodes.partly : exitCodes.failed
  return exitCodes.done
}

/** No later turn takes it away by itself. */
function staysOwed({ death }: EnvironmentRun["revoked"][number]): boolean {
  return death.kind === "alive" || (death.kind === "owed" && isOutOfSight(death.code))
}
