import { isEntry } from "../core/entry.ts"
import type { Ready } from "../core/ports.ts"
import type { ChangeSet } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { driverOf } from "./ask.ts"
import { draftBeside, keptBeside } from "./beside.ts"
import { OutputsRefused, goesOnWithout } from "./outputs-refused.ts"
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
export function leavesOutputs(session: Session, set: ChangeSet): boolean {
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
