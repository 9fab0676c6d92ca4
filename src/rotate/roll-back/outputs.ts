import { AppError, describeError } from "../../base/error.ts"
import { isEntry } from "../../core/entry.ts"
import type { Draft, Output, Values } from "../../core/ports.ts"
import type { Before, ChangeSet, Refusal } from "../../core/change-set.ts"
import { draftBeside, keptBeside } from "../beside.ts"
import { land, sideBySide } from "../land.ts"
import { stage, throwIf } from "../stage.ts"
import { outputWaitOf } from "../output-wait.ts"
import type { Session } from "../session.ts"
import { type Refusals, leaveOutputs } from "../unwritten.ts"

/**
 * An output's way back: drafted, or why it has none. `isFormer`: it shows what it showed before the
 * rotation.
 */
export type WayBack = {
  readonly output: Output
  readonly isFormer: boolean
  readonly draft?: Draft
  readonly fault?: { readonly code: string; readonly message: string }
}

/**
 * Byte for byte from the sealed copies, unless the file was edited since: then only our values
 * go back.
 */
export async function waysBack(session: Session, set: ChangeSet): Promise<readonly WayBack[]> {
  const values = await session.values(() => false)
  const drafted = new Map<Output, WayBack>()
  await sideBySide(session.work.outputs, async (output) => {
    const was = set.before?.[output.target]
    if (was === undefined || set.leaves?.[output.target] !== undefined) return
    if (isEntry(output) && mayStillLand(session)) session.doubted.add(output.target)
    try {
      const draft = await wayBack(session, output, { was, values })
      drafted.set(output, { output, draft, isFormer: !draft.changed })
    } catch (error) {
      drafted.set(output, { output, fault: describeError(error), isFormer: false })
    }
  })
  return session.work.outputs.flatMap((output) => drafted.get(output) ?? [])
}

/**
 * A run that was killed may have sent the new content, and it may land after the way back, unless
 * the former one is written once more. (What this run has sent is known by `doubted`.)
 */
function mayStillLand({ begun, changeSet }: Session): boolean {
  return begun === undefined || begun !== changeSet?.id
}

async function wayBack(
  session: Session,
  output: Output,
  { was, values }: { readonly was: Before; readonly values: Values },
): Promise<Draft> {
  const { vault, delivery } = session.work
  if (was.stale === true) {
    const keeps = keptBeside(session, session.changeSet?.secrets ?? [])
    const [ready] = await draftBeside(session, [output], { values, keeps })
    if (ready === undefined) throw new AppError("internal", `${output.target}: no draft`)
    return ready.draft
  }
  const former = {
    before: was.sealed === "" ? undefined : await vault.openBytes(output.target, was.sealed),
    after: was.after,
    fingerprint: (bytes: Uint8Array) => vault.fingerprint(bytes),
    ...outputWaitOf(session),
  }
  return delivery.restore(output, former, values, session.issued)
}

/**
 * What cannot be put back is left as it is, and owed: any output if a containment waits for the end,
 * and an entry always, since its manager may be away for days, and all else goes back meanwhile.
 */
function isLeft({ urgent }: Session, output: Output): boolean {
  return urgent || isEntry(output)
}

/** Durable before anything is done without them. */
export async function withoutRefused(
  session: Session,
  ways: readonly WayBack[],
): Promise<readonly WayBack[]> {
  const left = ways.filter(({ output, fault }) => fault !== undefined && isLeft(session, output))
  const refused: Record<string, Refusal> = {}
  for (const { output, fault } of left) if (fault !== undefined) refused[output.target] = fault
  await leaveOutputs(session, refused)
  return ways.filter((way) => !left.includes(way))
}

/** Each goes back by itself. Returns the files that could not be put back: they hold up their own. */
export async function restoreOutputs(
  session: Session,
  ways: readonly WayBack[],
  held: readonly string[],
): Promise<Refusals> {
  const left: Record<string, Refusal> = {}
  const failed: Record<string, Refusal> = {}
  const drafts = new Map(ways.map(({ output, draft }) => [output, draft]))
  const going = [...drafts].flatMap(([output, draft]) =>
    draft === undefined || held.includes(output.target) ? [] : [{ output, draft }],
  )
  const unstaged = await stage(session, going)
  await sideBySide([...drafts.keys()], async (output) => {
    const { target } = output
    const draft = drafts.get(output)
    if (draft === undefined || held.includes(target)) return
    try {
      throwIf(unstaged[target])
      if (draft.changed) {
        session.work.onProgress("back", `${target}: its former content`)
        await land(session, output, draft)
      }
      session.restored.add(target)
    } catch (error) {
      const into = isLeft(session, output) ? left : failed
      into[target] = describeError(error)
    }
  })
  await leaveOutputs(session, left)
  session.work.onStep?.()
  return failed
}
