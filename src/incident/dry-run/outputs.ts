import { describeError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import type { Values } from "../../core/ports.ts"
import { draftBeside, keptBeside } from "../../rotate/beside.ts"
import { goneBefore } from "../../rotate/left.ts"
import { trialValues } from "../../rotate/preflight/outputs.ts"
import type { Session } from "../../rotate/session.ts"
import type { DryRun } from "./plan.ts"

/** What a dry run says of the outputs: drafts, with values that are never handed out. */

export async function drafts(
  session: Session,
  members: readonly string[],
  { leaves, underWay }: { readonly leaves: readonly string[]; readonly underWay: Values },
): Promise<Pick<DryRun, "outputs" | "fault">> {
  const beside = Object.entries(underWay).filter(([name]) => !members.includes(name))
  const values = { ...(await trialValues(session, members)), ...Object.fromEntries(beside) }
  try {
    const ready = await draftBeside(
      session,
      session.outputsOf(members).filter(({ target }) => !leaves.includes(target)),
      { values, keeps: keptBeside(session, members) },
    )
    for (const { draft } of ready) await draft.discard()
    return {
      outputs: ready.map(({ output, draft }) => {
        const gone = goneBefore(session, output, draft)
        return {
          target: output.target,
          changes: draft.changes,
          ...present({ keeps: draft.keeps, narrows: draft.narrows, gone }),
        }
      }),
    }
  } catch (error) {
    return { outputs: [], fault: describeError(error) }
  }
}

/** What outputs will show already, once the journal has gone on to its end. */
export async function onTheirWay(session: Session): Promise<Values> {
  const going = session.changeSet?.direction === "forward" ? session.changeSet.secrets : []
  const all = await session.values((name) => going.includes(name))
  return Object.fromEntries(Object.entries(all).filter(([name]) => going.includes(name)))
}
