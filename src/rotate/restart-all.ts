import { namesMost } from "../core/audit-line.ts"
import type { Deployment } from "../core/ports.ts"
import type { ChangeSet } from "../core/change-set.ts"
import type { UnhealthyDeployment } from "../core/unhealthy.ts"
import { stopped } from "./cut-off-words.ts"
import { endAgain } from "./acting.ts"
import { toRestart } from "./readers.ts"
import type { Session } from "./session.ts"
import { cannotGoBack } from "./show.ts"
import { withHealthOf } from "./strategy.ts"
import { type Restarting, restartFields, whyOf } from "./work.ts"

/**
 * Restarts each once, in order, each gated by its health. Returns those that did not get healthy:
 * an ordinary way forward stops at the first; a way back, and a way that has none, visit all.
 */
export async function restartAll(
  session: Session,
  held: readonly string[] = [],
): Promise<readonly UnhealthyDeployment[]> {
  const unhealthy: UnhealthyDeployment[] = []
  for (;;) {
    const set = session.changeSet
    const next =
      set &&
      toRestart(session, set, held).find(({ name }) => !unhealthy.some((one) => one.name === name))
    if (set === undefined || next === undefined) return unhealthy
    const answer = await restartNext(session, set, next)
    if (answer === true && set.direction === "back" && next.health !== undefined)
      session.work.onProgress("health", `${next.name} is healthy with what it reads now`)
    if (answer !== true) {
      unhealthy.push(unhealthyBy(session, next, answer))
      if (set.direction === "forward" && !cannotGoBack(session, set)) return unhealthy
      // Not restarted, for the journal: a run that finds a program cut off visits it again, and
      // tells of it in the end.
      if (set.direction === "back") continue
    }
    await done(session, next, { held, answer, unhealthy })
  }
}

/** That a restart may begin is durable before it does, so that a way back visits its program. */
async function restartNext(
  session: Session,
  set: ChangeSet,
  next: Deployment,
): Promise<Restarting> {
  const { work } = session
  if (work.stop.aborted) throw stopped(session)
  if (!set.touched.includes(next.name))
    await session.commit({ changeSet: { ...set, touched: [...set.touched, next.name] } })
  await drained(session, set.secrets)
  work.onProgress("restart", `${next.name}: ${next.restarter.label}`)
  const mark = `${set.id}/${next.name}`
  // A change set that this very run has begun, and a hook that it has not run yet.
  const first = session.begun === set.id && !session.hooks.has(mark)
  session.hooks.add(mark)
  const alone = await endAgain(session, next)
  if (work.stop.aborted) throw stopped(session)
  const restarting = alone
    ? work.restarts.restart(next, mark, work.stop, first)
    : Promise.resolve({ notRestarted: `an earlier run of ${next.restarter.label} cannot be ended` })
  const answer = await restarting.catch((error: unknown) =>
    Promise.reject(work.stop.aborted ? stopped(session) : error),
  )
  session.queueEvent({
    event: "restart",
    deployment: next.name,
    ...restartFields(answer),
    health: next.healthType ?? "none",
    secrets: readBy(session, next, set.secrets),
  })
  return answer
}

/** Mycelium's own login must not take the seat that the restarted program needs. */
async function drained({ work }: Session, secrets: readonly string[]): Promise<void> {
  await Promise.all(secrets.map((name) => work.drivers[name]?.drained?.()))
}

function unhealthyBy(
  session: Session,
  { name }: Deployment,
  answer: Exclude<Restarting, true>,
): UnhealthyDeployment {
  const why = whyOf(answer)
  if (typeof answer === "string") return { name, why }
  session.notRestarted.add(name)
  return { name, why, notRestarted: true }
}

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
    unhealthy,
  }: {
    readonly held: readonly string[]
    readonly answer: Restarting
    readonly unhealthy: readonly UnhealthyDeployment[]
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
    (one) => !unhealthy.some((other) => other.name === one.name),
  )
  if (following === undefined) session.note(restarted)
  else
    await session.commit({
      changeSet: { ...restarted, touched: [...new Set([...restarted.touched, following.name])] },
    })
}
