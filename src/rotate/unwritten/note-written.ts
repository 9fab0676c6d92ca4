import type { Patch } from "../../core/state.ts"
import { changeUnwritten, withoutOutputs } from "../../core/unwritten.ts"
import type { Session } from "../session.ts"
import type { Refusals } from "../unwritten.ts"

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
