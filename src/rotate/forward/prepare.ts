import type { Ready } from "../../core/ports.ts"
import type { Before } from "../../core/change-set.ts"
import { openSet } from "../open-set.ts"
import type { Session } from "../session.ts"
import { discard, draft } from "../show.ts"

/** `before`: what a way back restores. */
export type Prepared = {
  readonly ready: readonly Ready[]
  readonly before: Readonly<Record<string, Before>>
}

export const nothingPrepared: Prepared = { ready: [], before: {} }

/** Outputs as they will be once `names` show their pending values. */
export async function prepare(
  session: Session,
  names: readonly string[],
  may = { wait: true },
): Promise<Prepared> {
  const { work } = session
  const ready = await draft(session, names, may)
  const before: Record<string, Before> = {}
  try {
    for (const {
      output: { target },
      before: bytes,
      draft,
    } of ready) {
      const earlier = openSet(session).before?.[target]
      const sealed =
        earlier?.sealed ?? (bytes === undefined ? "" : await work.vault.sealBytes(target, bytes))
      before[target] = { ...earlier, sealed, after: work.vault.fingerprint(draft.bytes) }
    }
  } catch (error) {
    await discard(ready)
    throw error
  }
  return { ready, before }
}
