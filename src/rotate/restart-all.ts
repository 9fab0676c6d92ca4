import type { Deployment } from "../core/ports.ts"
import type { UnhealthyDeployment } from "../core/unhealthy.ts"
import { stopped } from "./cut-off.ts"
import { endAgain } from "./elsewhere.ts"
import { toRestart } from "./readers.ts"
import type { Session } from "./session.ts"
import { strategyOf, withHealthOf } from "./strategy.ts"
import { type Restarting, whyOf } from "./work.ts"

/**
 * Restarts each once, in order, each gated by its health. That a restart may begin is durable
 * before it does, so that a
 * way back knows whom to visit. Returns who did not get healthy: forward stops at the first; a way
 * back, and a way that has
 * none (a containment, a value that was found alive), visit all.
 */
export async function restartAll(
  session: Session,
  held: readonly string[] = [],
): Promise<readonly UnhealthyDeployment[]> {
  const { work } = session
  const unhealthyDeployments: UnhealthyDeployment[] = []
  for (;;) {
    const set = session.changeSet
    const next =
      set &&
      toRestart(session, set, held).find(
        ({ name }) => !unhealthyDeployments.some((one) => one.name === name),
      )
    if (set === undefined || next === undefined) return unhealthyDeployments
    if (work.stop.aborted) throw stopped(session)
    if (!set.touched.includes(next.name))
      await session.commit({ changeSet: { ...set, touched: [...set.touched, next.name] } })
    work.onProgress("restart", `${next.name}: ${next.restarter.label}`)
    const mark = `${set.id}/${next.name}`
    // A change set that this very run has begun, and a hook that it has not run yet.
    const first = session.begun === set.id && !session.hooks.has(mark)
    session.hooks.add(mark)
    const alone = await endAgain(session, next)
    if (work.stop.aborted) throw stopped(session)
    const restarting = alone
      ? work.restarts.restart(next, mark, work.stop, first)
      : Promise.resolve({
          notRestarted: `an earlier run of ${next.restarter.label} cannot be ended`,
        })
    const answer = await restarting.catch((error: unknown) =>
      Promise.reject(work.stop.aborted ? stopped(session) : error),
    )
    session.queueEvent({
      event: "restart",
      deployment: next.name,
      healthy: answer === true,
      health: next.healthType ?? "none",
      secrets: readBy(session, next, set.secrets),
    })
    if (answer !== true) {
      const notRestarted = typeof answer !== "string"
      unhealthyDeployments.push({
        name: next.name,
        why: whyOf(answer),
        ...(notRestarted ? { notRestarted } : {}),
      })
      if (notRestarted) session.notRestarted.add(next.name)
      if (set.direction === "forward" && !strategyOf(set).restartsPastUnhealthy)
        return unhealthyDeployments
      // Not restarted, for the journal: who is cut off now visits it again, and hears of it in the
      // end.
      if (set.direction === "back") continue
    }
    await done(session, next, { held, answer, unhealthyDeployments })
  }
}

/** So many names fit well into a line of the log. */
const namesMost = 200

/** Those of `names` that the deployment's outputs show. */
export function readBy(
  session: Session,
  { reads }: Deployment,
  names: readonly string[],
): readonly string[] {
  const shown = new Set(
    session.work.outputs
      .filter(({ target }) => reads.includes(target))
      .flatMap(({ shows }) => shows),
  )
  return names.filter((name) => shown.has(name)).slice(0, namesMost)
}

/** The last restart needs no write of its own: the promote that follows covers it. */
async function done(
  session: Session,
  { name }: Deployment,
  {
    held,
    answer,
    unhealthyDeployments,
  }: {
    readonly held: readonly string[]
    readonly answer: Restarting
    readonly unhealthyDeployments: readonly UnhealthyDeployment[]
  },
): Promise<void> {
  const set = session.changeSet
  if (set === undefined) return
  const others = (set.notRestarted ?? []).filter((one) => one !== name)
  const failed = answer === true || typeof answer === "string" ? others : [...others, name]
  const { notRestarted: _before, ...rest } = withHealthOf(
    set,
    name,
    answer === true ? undefined : whyOf(answer),
  )
  const restarted = {
    ...rest,
    restarted: [...set.restarted, name],
    ...(failed.length === 0 ? {} : { notRestarted: failed }),
  }
  const following = toRestart(session, restarted, held).find(
    (one) => !unhealthyDeployments.some((other) => other.name === one.name),
  )
  if (following === undefined) session.note(restarted)
  else
    await session.commit({
      changeSet: { ...restarted, touched: [...new Set([...restarted.touched, following.name])] },
    })
}
