import { AppError } from "../base/error.ts"
import type { Deployment } from "../core/ports.ts"
import type { ChangeSet, Patch } from "../core/state.ts"
import type { Session } from "./session.ts"

export type Sick = { readonly name: string; readonly why: string }

export function inWords(sick: readonly Sick[]): string {
  return sick.map(({ name, why }) => `${name} did not get healthy: ${why}`).join("; ")
}

/** That these do not work with the current value stays noted until they are found healthy. */
export function noteSick(sick: readonly Sick[], now: Date): Patch {
  return ({ unhealthy, ...state }) => (sick.length === 0 ? state : { ...state, unhealthy: { since: unhealthy?.since ?? now.toISOString(), deployments: sick.map(({ name }) => name), says: inWords(sick) } })
}

/** The deployments that read an output which shows one of these secrets, in the config's order. */
export function deploymentsOf(session: Session, names: readonly string[]): readonly Deployment[] {
  const targets = session.outputsOf(names).map((output) => output.target)
  return session.work.deployments.filter((deployment) => deployment.reads.some((target) => targets.includes(target)))
}

/**
 * Those that a way back must visit: whose restart may have begun, and whoever reads an output that may have shown the new
 * value, for a supervisor, or the machine, may have started them meanwhile.
 */
export function mayHaveSeen(session: Session, set: ChangeSet, targets: ReadonlySet<string>): readonly string[] {
  const readers = deploymentsOf(session, set.secrets).filter(({ reads }) => reads.some((target) => targets.has(target)))
  return [...new Set([...set.touched, ...readers.map(({ name }) => name)])]
}

/** The deployments of the change set that still have to restart in its direction; those that read a held output wait. */
export function toRestart(session: Session, set: ChangeSet, held: readonly string[] = []): readonly Deployment[] {
  const all = deploymentsOf(session, set.secrets).filter((deployment) => !set.restarted.includes(deployment.name) && !deployment.reads.some((target) => held.includes(target)))
  // On the way back only those are visited that may have seen the new value.
  return set.direction === "forward" ? all : all.filter((deployment) => set.touched.includes(deployment.name))
}

/**
 * Restarts each once, in order, each gated by its health. That a restart may begin is durable before it does, so that a
 * way back knows whom to visit. Returns who did not get healthy: forward stops at the first; a way back, and a way that has
 * none (a containment, a value that was found alive), visit all.
 */
export async function restartAll(session: Session, held: readonly string[] = []): Promise<readonly Sick[]> {
  const { work } = session
  const sick: Sick[] = []
  for (;;) {
    const set = session.changeSet
    const next = set && toRestart(session, set, held).find(({ name }) => !sick.some((one) => one.name === name))
    if (set === undefined || next === undefined) return sick
    if (work.stop.aborted) throw stopped(work.stop)
    if (!set.touched.includes(next.name)) await session.commit({ changeSet: { ...set, touched: [...set.touched, next.name] } })
    work.tell("restart", `${next.name}: ${next.restarter.says}`)
    const mark = `${set.id}/${next.name}`
    // A change set that this very run has begun, and a hook that it has not run yet.
    const first = session.begun === set.id && !session.hooks.has(mark)
    session.hooks.add(mark)
    const answer = await work.restarts.restart(next, mark, work.stop, first)
    session.remark({ event: "restart", deployment: next.name, healthy: answer === true, health: next.healthType ?? "none", secrets: readBy(session, next, set.secrets) })
    if (answer !== true) {
      sick.push({ name: next.name, why: answer })
      if (set.direction === "forward" && set.contain === undefined && set.why !== "reconcile") return sick
      // Not restarted, for the journal: who is cut off now visits it again, and hears of it in the end.
      if (set.direction === "back") continue
    }
    await done(session, next, { held, answer, sick })
  }
}

/** So many names fit well into a line of the log. */
const namesMost = 200

/** Those of `names` that the deployment's outputs show. */
export function readBy(session: Session, { reads }: Deployment, names: readonly string[]): readonly string[] {
  const shown = new Set(session.work.outputs.filter(({ target }) => reads.includes(target)).flatMap(({ shows }) => shows))
  return names.filter((name) => shown.has(name)).slice(0, namesMost)
}

/** We were asked to stop, or another run asks for the environment. */
export function stopped({ reason }: AbortSignal): AppError {
  return reason instanceof AppError ? reason : new AppError("stopped", "stopped between two steps", { remedy: "retry" })
}

/** The last restart needs no write of its own: the promote that follows covers it. */
async function done(session: Session, { name }: Deployment, { held, answer, sick }: { readonly held: readonly string[]; readonly answer: true | string; readonly sick: readonly Sick[] }): Promise<void> {
  const set = session.changeSet
  if (set === undefined) return
  const contain = set.contain && { ...set.contain, sick: { ...without(set.contain.sick, name), ...(answer === true ? {} : { [name]: answer }) } }
  const restarted = { ...set, restarted: [...set.restarted, name], ...(contain === undefined ? {} : { contain }) }
  const following = toRestart(session, restarted, held).find((one) => !sick.some((other) => other.name === one.name))
  if (following === undefined) session.note(restarted)
  else await session.commit({ changeSet: { ...restarted, touched: [...new Set([...restarted.touched, following.name])] } })
}

function without(sick: Readonly<Record<string, string>>, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(sick).filter(([one]) => one !== name))
}
