import { describeError } from "../base/error.ts"
import type { Refusal } from "../core/change-set.ts"
import { isEntry } from "../core/entry.ts"
import type { Ready } from "../core/ports.ts"
import { driverOf } from "./ask.ts"
import { land, noteLanded, send, sideBySide } from "./land.ts"
import { goneBefore } from "./left.ts"
import { OutputsRefused, goesOnWithout } from "./outputs-refused.ts"
import { toRestart } from "./readers.ts"
import type { Session } from "./session.ts"
import { leavesOutputs } from "./show.ts"
import { leaveOutputs } from "./unwritten.ts"

/** Drafts become visible, once the services have the values. */

/** Resolves once what was begun is over too: entries that no restart waits for. Throws as `deliver`. */
export type RestOfDelivery = () => Promise<void>

/**
 * All are made visible, or a throw; in an incident as many as can be, and the others are left as
 * they are. Entries that can be waited for are. While programs are locked out until they restart,
 * no manager is waited for whose entry none of them reads.
 */
export async function deliver(session: Session, ready: readonly Ready[]): Promise<RestOfDelivery> {
  const later = ready.filter((one) => mayComeLater(session, one))
  const coming = later.map((one) => begin(session, one))
  const refused: Record<string, Refusal> = {}
  const now = new Map(ready.filter((one) => !later.includes(one)).map((one) => [one.output, one]))
  const leaves = leavesNow(session)
  try {
    await sideBySide([...now.keys()], async (output) => {
      const one = now.get(output)
      if (one === undefined) return
      try {
        await deliverOne(session, one)
      } catch (error) {
        if (!leaves && !isEntry(output)) throw error
        refused[output.target] = describeError(error)
      }
    })
    session.work.onStep?.()
    await goOn(session, refused)
  } catch (error) {
    for (const one of coming) await one
    await discardAll(ready)
    throw error
  }
  await discardAll(ready.filter(({ output }) => refused[output.target] !== undefined))
  return () => rest(session, coming)
}

function leavesNow(session: Session): boolean {
  return session.changeSet !== undefined && leavesOutputs(session, session.changeSet)
}

/** Without those that are refused; a throw where it cannot go on without them. */
async function goOn(session: Session, refused: Readonly<Record<string, Refusal>>): Promise<void> {
  if (Object.keys(refused).length === 0) return
  if (leavesNow(session)) return leaveOutputs(session, refused)
  if (!(await goesOnWithout(session, refused))) throw new OutputsRefused(refused)
}

async function deliverOne(session: Session, one: Ready): Promise<void> {
  const { output, draft } = one
  if (draft.changed) {
    announce(session, one)
    await land(session, output, draft)
  }
  session.delivered.add(output.target)
}

function announce(session: Session, { output, draft }: Ready): void {
  const { target } = output
  session.work.onProgress(
    "deliver",
    goneBefore(session, output, draft) ?? `${target}: ${draft.changes.join(", ")}`,
  )
  session.renamed.add(target)
  session.work.onStep?.()
}

/** No program that is to restart reads it, and one may be locked out. */
function mayComeLater(session: Session, { output, draft }: Ready): boolean {
  const { changeSet: set } = session
  if (set === undefined || !draft.changed || !isEntry(output)) return false
  const hasGap = set.secrets.some((name) => driverOf(session, name).overlap === "one")
  return hasGap && !toRestart(session, set).some(({ reads }) => reads.includes(output.target))
}

type Came = Ready & { readonly mark?: string; readonly refusal?: Refusal }

/** Under way; what came of it is noted when it is waited for: durable writes go on meanwhile. */
async function begin(session: Session, one: Ready): Promise<Came> {
  announce(session, one)
  try {
    return { ...one, mark: await send(session, one.output, one.draft) }
  } catch (error) {
    return { ...one, refusal: describeError(error) }
  }
}

async function rest(session: Session, coming: readonly Promise<Came>[]): Promise<void> {
  const refused: Record<string, Refusal> = {}
  for (const { output, draft, mark, refusal } of await Promise.all(coming)) {
    if (refusal !== undefined) refused[output.target] = refusal
    if (mark === undefined) continue
    noteLanded(session, { output, draft, mark })
    session.delivered.add(output.target)
  }
  await goOn(session, refused)
}

/**
 * Those that were not put in place hold the new values. What is left even so goes at the next
 * start.
 */
async function discardAll(ready: readonly Ready[]): Promise<void> {
  await Promise.allSettled(ready.map((one) => one.draft.discard()))
}
