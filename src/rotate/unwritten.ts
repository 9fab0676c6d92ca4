import { describeError } from "../base/error.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { canShow } from "../core/can-show.ts"
import type { Deployment, Ready } from "../core/ports.ts"
import type { ChangeSet, Patch, Refusal, Unwritten } from "../core/state.ts"
import {
  type UnhealthyDeployment,
  addUnhealthy,
  noteHealthy,
  withoutUnhealthy,
} from "../core/unhealthy.ts"
import { changeUnwritten, owedIn, withoutOutputs, withoutPrograms } from "../core/unwritten.ts"
import { driverOf } from "./ask.ts"
import { type Beside, draftBeside } from "./beside.ts"
import { beginAgain, hiddenActing } from "./elsewhere.ts"
import { readBy } from "./restart-all.ts"
import type { Session } from "./session.ts"
import { strategyOf } from "./strategy.ts"
import { whyOf } from "./work.ts"

/**
 * Outputs that cannot be written in an incident. Anyone who can write an output could forbid the death
 * of the value in it by one
 * line; so it is left as it is, byte for byte, and owed: until `settleUnwritten` (or `render`, or a
 * rotation) has written it and
 * the programs that read it were restarted.
 */

type Refusals = Readonly<Record<string, Refusal>>

/** How many names fit well into a line of the log. */
const namesMost = 200

/** What tells, in the log, of outputs that are left as they are. */
export function leftEvents(
  session: Session,
  leaves: Refusals,
  secrets: readonly string[],
): readonly AuditEvent[] {
  return Object.entries(leaves).map(([target, { code }]) => {
    const shows = session.work.outputs.find((one) => one.target === target)?.shows ?? []
    return {
      event: "output-owed",
      outputs: [target],
      code,
      secrets: secrets.filter((name) => shows.includes(name)).slice(0, namesMost),
    }
  })
}

/** Durable before anything is done without them. */
export async function leaveOutputs(session: Session, leaves: Refusals): Promise<void> {
  const set = session.changeSet
  if (set === undefined || Object.keys(leaves).length === 0) return
  tellLeft(session, leaves)
  await session.commit({
    changeSet: { ...set, leaves: { ...set.leaves, ...leaves } },
    events: leftEvents(session, leaves, set.secrets),
  })
}

export function tellLeft({ work }: Session, leaves: Refusals): void {
  for (const [target, { message, code }] of Object.entries(leaves))
    work.onProgress("deliver", `${target} is left as it is: ${message} (${code})`)
}

/** Every output that can be drafted; why the others cannot. */
export async function draftEach(
  session: Session,
  targets: readonly string[],
  beside: Beside,
): Promise<{ readonly ready: readonly Ready[]; readonly refused: Refusals }> {
  const ready: Ready[] = []
  const refused: Record<string, Refusal> = {}
  for (const output of session.work.outputs.filter(({ target }) => targets.includes(target))) {
    try {
      ready.push(...(await draftBeside(session, [output], beside)))
    } catch (error) {
      refused[output.target] = describeError(error)
    }
  }
  return { ready, refused }
}

/** The programs that read one of these. */
function readersOf(session: Session, targets: readonly string[]): readonly string[] {
  return session.work.deployments
    .filter(({ reads }) => reads.some((target) => targets.includes(target)))
    .map(({ name }) => name)
}

/**
 * What `name` owes: outputs that its change set has left as they are, and programs that could not
 * be restarted.
 */
function owedBy(session: Session, set: ChangeSet, name: string): Unwritten | undefined {
  const own = session
    .outputsOf([name])
    .map(({ target }) => target)
    .filter((target) => set.leaves?.[target] !== undefined)
  const failed = readersOf(
    session,
    session.outputsOf([name]).map(({ target }) => target),
  ).filter((one) => set.notRestarted?.includes(one) === true)
  if (own.length === 0 && failed.length === 0) return undefined
  const lives = strategyOf(set).contains && driverOf(session, name).overlap === "none"
  return {
    since: session.work.host.now().toISOString(),
    outputs: Object.fromEntries(
      own.flatMap((target) => {
        const why = set.leaves?.[target]
        return why === undefined ? [] : [[target, why] as const]
      }),
    ),
    programs: [...new Set([...readersOf(session, own), ...failed])],
    ...(lives ? { lives: true as const } : {}),
  }
}

/**
 * At the end of a way forward: by secret, of those that it was for and of those that stand beside
 * them in an output.
 */
export function owedAfter(
  session: Session,
  set: ChangeSet,
  names: readonly string[],
): Readonly<Record<string, Patch>> {
  const written = session
    .outputsOf(names)
    .map(({ target }) => target)
    .filter((target) => set.leaves?.[target] === undefined)
  const beside = Object.entries(session.document.secrets)
    .filter(([name, { unwritten }]) => unwritten !== undefined && !names.includes(name))
    .map(([name]) => [name, changeUnwritten(withoutOutputs(written))] as const)
  const own = names.map((name) => {
    const owed = owedBy(session, set, name)
    const patch: Patch = ({ unwritten: _, ...state }) =>
      owed === undefined ? state : { ...state, unwritten: owed }
    return [name, patch] as const
  })
  return restartedAfter(session, set, Object.fromEntries([...beside, ...own]))
}

/** Who was restarted on the way, and reads nothing that is still owed, has the values of now. */
function restartedAfter(
  session: Session,
  { restarted, notRestarted = [] }: ChangeSet,
  patches: Readonly<Record<string, Patch>>,
): Readonly<Record<string, Patch>> {
  const secrets = { ...session.document.secrets }
  for (const [name, patch] of Object.entries(patches)) secrets[name] = patch(session.state(name))
  const stale = readersOf(session, Object.keys(owedIn({ secrets }).outputs))
  const fresh = restarted.filter((name) => !stale.includes(name) && !notRestarted.includes(name))
  return Object.fromEntries(
    Object.entries(patches).map(([name, patch]) => [
      name,
      (state) => changeUnwritten(withoutPrograms(fresh))(patch(state)),
    ]),
  )
}

/** At the end of a way back: what stood there before a rotation was not put back. */
export function owedBack(session: Session, set: ChangeSet, name: string): Patch {
  const owed = owedBy(session, set, name)
  return ({ unwritten, ...state }) => {
    const all =
      unwritten === undefined || owed === undefined
        ? (owed ?? unwritten)
        : {
            ...unwritten,
            outputs: { ...unwritten.outputs, ...owed.outputs },
            programs: [...new Set([...unwritten.programs, ...owed.programs])],
          }
    return all === undefined ? state : { ...state, unwritten: all }
  }
}

/**
 * Writes what an incident has left unwritten, where that can be done by now, and restarts who reads
 * it. What cannot be
 * written stays owed. `names`: of these secrets alone. No journal may be open; otherwise nothing is
 * done.
 */
export async function settleUnwritten(session: Session, names?: readonly string[]): Promise<void> {
  if (session.changeSet !== undefined) return
  const owing = Object.entries(session.document.secrets).filter(
    ([name, { unwritten }]) => unwritten !== undefined && (names?.includes(name) ?? true),
  )
  if (owing.length === 0) return
  const { outputs, programs } = owedIn({ secrets: Object.fromEntries(owing) })
  if (Object.keys(outputs).length > 0) await writeOwed(session, outputs)
  await restartOwed(session, programs)
}

async function writeOwed(session: Session, outputs: Refusals): Promise<void> {
  const { work } = session
  const values = await session.values(() => false)
  const own = work.outputs.filter(({ target }) => outputs[target] !== undefined)
  // What a journal that waits aside will show is not known yet.
  const open = own.filter(({ shows }) => !shows.some((name) => session.isOpen(name)))
  const able = open.filter((output) => canShow(output, values))
  const { ready, refused } = await draftEach(
    session,
    able.map(({ target }) => target),
    { values, keeps: new Set() },
  )
  const changed = ready.filter(({ draft }) => draft.changed)
  const failed: Record<string, Refusal> = { ...refused }
  try {
    // Written down before anybody can read a value there.
    if (changed.length > 0)
      await session.commit({ events: [writeEvent(session, changed)], flush: true })
    for (const { output, draft } of changed) {
      work.onProgress("deliver", `${output.target}: ${draft.changes.join(", ")}`)
      await draft.commit().catch((error: unknown) => (failed[output.target] = describeError(error)))
    }
  } finally {
    await Promise.allSettled(changed.map(({ draft }) => draft.discard()))
  }
  const good = ready.filter(({ output }) => failed[output.target] === undefined)
  // One that the config does not have any more is nobody's to write.
  const gone = Object.keys(outputs).filter((target) => !own.some((one) => one.target === target))
  await noteWritten(session, {
    targets: [...good.map(({ output }) => output.target), ...gone],
    written: session.writes(good),
    failed,
  })
}

function writeEvent(session: Session, ready: readonly Ready[]): AuditEvent {
  const secrets = [...new Set(ready.flatMap(({ output }) => output.shows))]
  return {
    event: "render",
    outputs: ready.map(({ output }) => output.target),
    secrets: secrets.slice(0, namesMost),
    ...incidentOf(session, secrets),
  }
}

/** The last one that these have gone through. */
function incidentOf(session: Session, secrets: readonly string[]): { readonly incident?: string } {
  const incident = secrets
    .map((name) => session.state(name))
    .find(({ unwritten }) => unwritten !== undefined)?.contained?.incident
  return incident === undefined ? {} : { incident }
}

type Written = {
  readonly targets: readonly string[]
  readonly written: ReturnType<Session["writes"]>
  readonly failed?: Refusals
}

/**
 * These outputs show the current values now; why others still cannot be written. Writes nothing
 * where nothing is new.
 */
export async function noteWritten(
  session: Session,
  { targets, written, failed = {} }: Written,
): Promise<void> {
  const patches: Record<string, Patch> = {}
  for (const [name, { unwritten }] of Object.entries(session.document.secrets)) {
    if (unwritten === undefined) continue
    const change = changeUnwritten((owed) => ({
      ...withoutOutputs(targets)(owed),
      outputs: Object.fromEntries(
        Object.entries(owed.outputs).flatMap(([target, why]) =>
          targets.includes(target)
            ? []
            : [[target, failed[target]?.code === why.code ? why : (failed[target] ?? why)]],
        ),
      ),
    }))
    if (JSON.stringify(change(session.state(name))) !== JSON.stringify(session.state(name)))
      patches[name] = change
  }
  const isNews = Object.entries(written).some(
    ([target, print]) => session.document.written?.[target] !== print,
  )
  if (Object.keys(patches).length > 0 || isNews) await session.commit({ patches, written })
}

/** Those of these programs whose outputs all show the current values, as far as they are owed. */
export function readsNothingOwed(session: Session, names: readonly string[]): readonly string[] {
  const stale = readersOf(session, Object.keys(owedIn(session.document).outputs))
  return names.filter((name) => !stale.includes(name))
}

/**
 * Restarts those of `names` that read nothing which is still owed; durable one by one, for a killed
 * run begins again with the rest.
 */
async function restartOwed(session: Session, names: readonly string[]): Promise<void> {
  const { work } = session
  const ready = readsNothingOwed(session, names).filter((name) => !session.notRestarted.has(name))
  const known = work.deployments.filter(({ name }) => ready.includes(name))
  // One that takes a value which no service asks for goes on with the old one, named in the config
  // or not.
  const lives = Object.values(session.document.secrets).flatMap(({ unwritten }) =>
    unwritten?.lives === true ? unwritten.programs : [],
  )
  const gone = ready.filter(
    (name) => !known.some((one) => one.name === name) && !lives.includes(name),
  )
  if (gone.length > 0) await noteRestarted(session, { names: gone })
  // It may be the very restart that would be begun here.
  if (known.length === 0 || work.stop.aborted || hiddenActing(session) !== undefined) return
  const markOf = await beginAgain(session)
  for (const deployment of known) {
    if (work.stop.aborted) return
    await restartOne(session, deployment, markOf(deployment.name))
  }
}

async function restartOne(session: Session, deployment: Deployment, mark: string): Promise<void> {
  const { work } = session
  const { name } = deployment
  const secrets = readBy(session, deployment, Object.keys(session.document.secrets))
  work.onProgress("restart", `${name}: ${deployment.restarter.label}`)
  const answer = await work.restarts.restart(deployment, mark, work.stop, false)
  const event: AuditEvent = {
    event: "restart",
    deployment: name,
    healthy: answer === true,
    health: deployment.healthType ?? "none",
    secrets,
    ...incidentOf(session, secrets),
  }
  // It is owed still, and the turns that follow try it ever more seldom.
  const stays = answer !== true && typeof answer !== "string"
  if (stays) session.notRestarted.add(name)
  const unhealthy = answer === true ? [] : [{ name, why: whyOf(answer) }]
  await noteRestarted(session, {
    names: stays ? [] : [name],
    unhealthy,
    events: [event],
    of: [name],
  })
}

type NewlyRestarted = {
  /** They are owed no more. */
  readonly names: readonly string[]
  readonly unhealthy?: readonly UnhealthyDeployment[]
  readonly events?: readonly AuditEvent[]
  /** Whose programs these are. */
  readonly of?: readonly string[]
}

/**
 * What their last restart came to replaces what was noted of their health, with every secret that
 * they read, for whichever of them the restart was owed.
 */
async function noteRestarted(
  session: Session,
  { names, unhealthy = [], events = [], of = names }: NewlyRestarted,
): Promise<void> {
  const now = session.work.host.now()
  const sound = names.filter((name) => !unhealthy.some((one) => one.name === name))
  const owing = Object.entries(session.document.secrets).filter(([, { unwritten }]) =>
    unwritten?.programs.some((name) => of.includes(name)),
  )
  const ofOwing = owing.map(([name]): readonly [string, Patch] => [
    name,
    (state) =>
      addUnhealthy(
        unhealthy,
        now,
      )(withoutUnhealthy(sound)(changeUnwritten(withoutPrograms(names))(state))),
  ])
  const patches = { ...noteHealthy(session.document, sound), ...Object.fromEntries(ofOwing) }
  await session.commit({ patches, events, flush: true })
}
