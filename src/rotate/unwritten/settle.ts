import { describeError } from "../../base/error.ts"
import { type AuditEvent, namesMost } from "../../core/audit-line.ts"
import { canShow } from "../../core/can-show.ts"
import type { Ready } from "../../core/ports.ts"
import type { Refusal } from "../../core/change-set.ts"
import { owedIn } from "../../core/unwritten.ts"
import { land, sideBySide } from "../land.ts"
import { stage, throwIf } from "../stage.ts"
import type { Session } from "../session.ts"
import { type Refusals, draftEach } from "../unwritten.ts"
import { noteWritten } from "./note-written.ts"
import { incidentOf, restartOwed } from "./restart.ts"

/**
 * Writes what an incident has left unwritten, where that can be done by now, and restarts who reads
 * it. What cannot be written stays owed. `names`: of these secrets alone. No journal may be open;
 * otherwise nothing is done.
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
  const failed = { ...refused, ...(await landChanged(session, changed)) }
  const good = ready.filter(({ output }) => failed[output.target] === undefined)
  // An output that left the config cannot be written any more.
  const gone = Object.keys(outputs).filter((target) => !own.some((one) => one.target === target))
  await noteWritten(session, {
    targets: [...good.map(({ output }) => output.target), ...gone],
    written: session.writes(good),
    failed,
  })
}

/** Those that were refused after all. No draft is left behind. */
async function landChanged(session: Session, changed: readonly Ready[]): Promise<Refusals> {
  const refused: Record<string, Refusal> = {}
  try {
    // Written down before any program can read a value there.
    if (changed.length > 0)
      await session.commit({ events: [writeEvent(session, changed)], flush: true })
    const unstaged = await stage(session, changed)
    const drafts = new Map(changed.map(({ output, draft }) => [output, draft]))
    await sideBySide([...drafts.keys()], async (output) => {
      const draft = drafts.get(output)
      if (draft === undefined) return
      session.work.onProgress("deliver", `${output.target}: ${draft.changes.join(", ")}`)
      try {
        throwIf(unstaged[output.target])
        await land(session, output, draft)
      } catch (error) {
        refused[output.target] = describeError(error)
      }
    })
  } finally {
    await Promise.allSettled(changed.map(({ draft }) => draft.discard()))
  }
  return refused
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
