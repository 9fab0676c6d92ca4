import { AppError, describeError } from "../../base/error.ts"
import type { Draft, Output, Values } from "../../core/ports.ts"
import type { Before, ChangeSet, Refusal } from "../../core/change-set.ts"
import { draftBeside, keptBeside } from "../beside.ts"
import type { Session } from "../session.ts"
import { leaveOutputs } from "../unwritten.ts"

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
 * Byte for byte from the sealed copies, unless someone edited the file since: then only our values
 * go back.
 */
export async function waysBack(session: Session, set: ChangeSet): Promise<readonly WayBack[]> {
  const values = await session.values(() => false)
  const ways: WayBack[] = []
  for (const output of session.work.outputs) {
    const was = set.before?.[output.target]
    if (was === undefined || set.leaves?.[output.target] !== undefined) continue
    try {
      const draft = await wayBack(session, output, { was, values })
      ways.push({ output, draft, isFormer: !draft.changed })
    } catch (error) {
      ways.push({ output, fault: describeError(error), isFormer: false })
    }
  }
  return ways
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
  }
  return delivery.restore(output, former, values, session.issued)
}

/** Where a containment waits for the end, an output that cannot be put back holds nothing up. */
export async function withoutRefused(
  session: Session,
  ways: readonly WayBack[],
): Promise<readonly WayBack[]> {
  if (!session.urgent) return ways
  const refused: Record<string, Refusal> = {}
  for (const { output, fault } of ways) if (fault !== undefined) refused[output.target] = fault
  await leaveOutputs(session, refused)
  return ways.filter(({ fault }) => fault === undefined)
}

export async function restoreOutputs(
  session: Session,
  ways: readonly WayBack[],
  held: readonly string[],
): Promise<void> {
  const refused: Record<string, Refusal> = {}
  for (const { output, draft } of ways) {
    if (draft === undefined || held.includes(output.target)) continue
    if (draft.changed) {
      session.work.onProgress("back", `${output.target}: its former content`)
      try {
        await draft.commit()
      } catch (error) {
        if (!session.urgent) throw error
        refused[output.target] = describeError(error)
        continue
      }
    }
    session.restored.add(output.target)
  }
  await leaveOutputs(session, refused)
  session.work.onStep?.()
}
