import type { Deployment } from "../core/ports.ts"
import { openSets } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { sayLeft } from "../core/left.ts"
import { driverOf } from "../rotate/ask.ts"
import type { Inspected } from "../rotate/inspect-programs.ts"
import { cutOff } from "../rotate/cut-off.ts"
import { preflight } from "../rotate/preflight.ts"
import { leftBeside } from "../rotate/left.ts"
import { deploymentsOf } from "../rotate/readers.ts"
import type { Session } from "../rotate/session.ts"
import type { App } from "../app/app.ts"
import { inspectEnvironment } from "../app/environment.ts"
import { optionsOf } from "../app/options-of.ts"
import { longRetryBudget } from "../app/retry-budget.ts"
import { oneUserFiles } from "../app/one-user.ts"
import { isHeld } from "./contain-secrets.ts"
import { asTaken, doneFirst, untouchedIn } from "./dry-run/first.ts"
import { drafts, onTheirWay } from "./dry-run/outputs.ts"
import type { DryRun, DryRunOptions } from "./dry-run/plan.ts"
import { describeSecret, heldOnes, noWayBack, takenNote } from "./dry-run/secret.ts"
import { asEnded, unfinishedIn } from "./dry-run/unfinished.ts"
import { takeIn } from "./take-in.ts"
import { isErased } from "./verdict.ts"

/**
 * The whole way up to the first value: preflight with its logins, drafts that are thrown away.
 * Changes nothing, here or outside.
 */
export async function dryRun(
  app: App,
  environment: string,
  options: DryRunOptions,
): Promise<DryRun> {
  return inspectEnvironment(app, environment, async (session, asBegun) => {
    const chosen =
      options.secrets ??
      Object.keys(session.work.drivers).filter(
        (name) =>
          options.contain !== undefined ||
          (versionAt(session.state(name), "current") !== undefined) !== (options.why === "new"),
      )
    const contained = containedIn(session, chosen, options)
    const underWay = await onTheirWay(session)
    const isCutOff = openSets(session.document).some((set) => cutOff(asBegun(set)).length > 0)
    const { unfinished, goes, held, over } = await unfinishedIn(session, chosen, {
      ...options,
      asBegun,
    })
    asEnded(session, over)
    const names = chosen.filter(
      (name) =>
        !contained.includes(name) &&
        (!session.isOpen(name) || goes.includes(name)) &&
        !(options.contain !== undefined && isErased(session.state(name))),
    )
    const first =
      options.contain === undefined && options.why === "asked"
        ? await doneFirst(session, names, { skipGrace: options.skipGrace === true })
        : []
    // Only in memory: what the outputs of these show would be taken over first.
    const taken =
      options.contain === undefined
        ? []
        : names.filter((name) => versionAt(session.state(name), "current") === undefined)
    await takeIn(session, taken, { forMs: longRetryBudget.totalMs })
    const { members, left, findings, initialValues, programs, leaves } = await preflight(session, {
      ...options,
      overtakes: goes,
      secrets: names,
      trial: true,
      takenFirst: asTaken(first),
    })
    const secrets = await Promise.all(
      names.map((name) =>
        describeSecret(
          session,
          name,
          {
            left,
            contain: options.contain,
            oneUser: oneUserFiles(app.plugins, optionsOf(app, environment), name),
            leaves: Object.keys(leaves),
            programs,
          },
          [
            ...(findings[name] ?? []),
            ...(taken.includes(name) ? [takenNote(session, name)] : []),
            ...(options.why === "new" &&
            driverOf(session, name).overlap !== "none" &&
            initialValues[name] === undefined
              ? [noWayBack]
              : []),
          ],
        ),
      ),
    )
    const stays = (await leftBeside(session, names)).map((one) => ({
      code: "variable-left",
      target: one.target,
      name: one.left.name,
      secret: one.left.secret,
      message: sayLeft(one.target, environment, one.left),
    }))
    return {
      environment,
      unfinished,
      first,
      untouched:
        options.secrets === undefined && options.contain === undefined && options.why === "asked"
          ? untouchedIn(session, Object.keys(session.work.drivers))
          : [],
      contained,
      cut:
        options.contain?.revokeFirst === true
          ? members.filter((name) => driverOf(session, name).overlap !== "none")
          : [],
      ...(isCutOff ? { cutOff: true as const } : {}),
      secrets: [...secrets, ...(await heldOnes(session, held, options))],
      stays,
      ...(await drafts(session, members, { leaves: Object.keys(leaves), underWay })),
      leaves: Object.entries(leaves).map(([target, why]) => ({ target, ...why })),
      restarts: deploymentsOf(session, members, Object.keys(leaves)).map((deployment) =>
        restartOf(deployment, programs),
      ),
    }
  })
}

/** What an earlier run of this incident has contained, and the same command would not touch again. */
function containedIn(
  session: Session,
  chosen: readonly string[],
  { contain, incident }: DryRunOptions,
): readonly string[] {
  if (contain === undefined || incident === undefined) return []
  return chosen.filter((name) => isHeld(session.state(name), incident))
}

function restartOf(
  deployment: Deployment,
  programs: readonly Inspected[],
): DryRun["restarts"][number] {
  const { name, restarter, health } = deployment
  const found = programs.find((one) => one.deployment === deployment)
  const notes =
    found?.findings.filter(({ severity }) => severity !== "error").map(({ message }) => message) ??
    []
  const limits = health?.limits === undefined ? "" : `, which proves ${health.limits}`
  return {
    name,
    message: restarter.label,
    notes,
    ...(found?.replaces === undefined ? {} : { replaces: found.replaces }),
    ...(health === undefined ? {} : { health: `${health.label}${limits}` }),
  }
}
