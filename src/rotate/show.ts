import { describeError } from "../base/error.ts"
import { isEntry } from "../core/entry.ts"
import type { Ready } from "../core/ports.ts"
import type { ChangeSet, Refusal } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { driverOf } from "./ask.ts"
import { draftBeside, keptBeside } from "./beside.ts"
import { land, sideBySide } from "./land.ts"
import { OutputsRefused, goesOnWithout } from "./outputs-refused.ts"
import { goneBefore } from "./left.ts"
import type { Session } from "./session.ts"
import { strategyOf } from "./strategy.ts"
import { draftAndStage, leaveOutputs } from "./unwritten.ts"

/**
 * Outputs on a way forward: drafted before any service is touched, renamed once the services have
 * the values.
 */

/** By its strategy, or since a member has a first value whose predecessor is not known. */
export function cannotGoBack(session: Session, set: ChangeSet): boolean {
  return (
    !strategyOf(set).goesBack ||
    set.secrets.some(
      (name) =>
        driverOf(session, name).overlap !== "none" &&
        versionAt(session.state(name), "current") === undefined,
    )
  )
}

/**
 * In an incident an output that cannot be written holds nothing up: neither the containment, nor,
 * before it, a way that has no way back.
 */
function leavesOutputs(session: Session, set: ChangeSet): boolean {
  return strategyOf(set).leavesUnwritable || (session.urgent && cannotGoBack(session, set))
}

/**
 * Outputs as they will be once `names` show their pending values: all of them, or a throw; in an
 * incident those that can be written.
 */
export async function draft(
  session: Session,
  names: readonly string[],
  may: May = { wait: true },
): Promise<readonly Ready[]> {
  const { changeSet: set } = session
  const values = await session.values((name) => names.includes(name))
  const outputs = session.outputsOf(names)
  const beside = { values, keeps: keptBeside(session, names) }
  const targets = outputs.map(({ target }) => target)
  if (set === undefined || !leavesOutputs(session, set))
    return outputs.some(isEntry)
      ? draftOrWait(session, draftAndStage(session, targets, beside), may)
      : draftBeside(session, outputs, beside)
  const { ready, refused } = await draftAndStage(
    session,
    targets.filter((target) => set.leaves?.[target] === undefined),
    beside,
  )
  try {
    await leaveOutputs(session, refused)
    return ready
  } catch (error) {
    await discard(ready)
    throw error
  }
}

/** `wait`: a service may have a new value, so what can go on goes on. */
type May = { readonly wait: boolean }

/** All of them; all but the entries that can be waited for; or a throw that says which could not be. */
async function draftOrWait(
  session: Session,
  drafting: ReturnType<typeof draftAndStage>,
  { wait }: May,
): Promise<readonly Ready[]> {
  const { ready, refused } = await drafting
  if (Object.keys(refused).length === 0) return ready
  if (wait && (await goesOnWithout(session, refused))) return ready
  await discard(ready)
  throw new OutputsRefused(refused)
}

export async function discard(ready: readonly Ready[]): Promise<void> {
  for (const one of ready) await one.draft.discard()
}

/**
 * All are made visible, or a throw; in an incident as many as can be, and the others are left as
 * they are. Entries that can be waited for are.
 */
export async function deliver(session: Session, ready: readonly Ready[]): Promise<void> {
  const set = session.changeSet
  const leaves = set !== undefined && leavesOutputs(session, set)
  const refused: Record<string, Refusal> = {}
  const of = new Map(ready.map((one) => [one.output, one]))
  try {
    await sideBySide([...of.keys()], async (output) => {
      const one = of.get(output)
      if (one === undefined) return
      try {
        await deliverOne(session, one)
      } catch (error) {
        if (!leaves && !isEntry(output)) throw error
        refused[output.target] = describeError(error)
      }
    })
    session.work.onStep?.()
    const isOver = leaves || Object.keys(refused).length === 0
    if (!isOver && !(await goesOnWithout(session, refused))) throw new OutputsRefused(refused)
  } catch (error) {
    await discardAll(ready)
    throw error
  }
  if (Object.keys(refused).length === 0) return
  await discardAll(ready.filter(({ output }) => refused[output.target] !== undefined))
  if (leaves) await leaveOutputs(session, refused)
}

async function deliverOne(session: Session, { output, draft: one }: Ready): Promise<void> {
  const { target } = output
  if (!one.changed) {
    session.delivered.add(target)
    return
  }
  session.work.onProgress(
    "deliver",
    goneBefore(session, output, one) ?? `${target}: ${one.changes.join(", ")}`,
  )
  session.renamed.add(target)
  session.work.onStep?.()
  await land(session, output, one)
  session.delivered.add(target)
}

/**
 * Those that were not put in place hold the new values. What is left even so goes at the next
 * start.
 */
async function discardAll(ready: readonly Ready[]): Promise<void> {
  await Promise.allSettled(ready.map((one) => one.draft.discard()))
}
