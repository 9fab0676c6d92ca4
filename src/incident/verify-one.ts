import type { Host } from "../base/system/host.ts"
import type { AuditTail } from "../core/state.ts"
import { type Heads, type Verified, verifyLog } from "../record/audit-verify.ts"
import { type StateKey, readState } from "../record/state-file.ts"
import { lookSteadily } from "../record/steady-look.ts"
import type { Held } from "./held-states.ts"

/**
 * The log by its chain against the state, and the state by its MAC where the key is at hand. Beside
 * an act that is under way:
 * what looks changed is looked at again. `edited`: what stands against the state itself; it is the
 * first of the faults.
 */
export function verifyOne(
  { host, stop }: { readonly host: Host; readonly stop: AbortSignal },
  place: StateKey,
  { heads, held }: { readonly heads: Heads; readonly held: Held },
): Promise<Verified & { readonly edited: boolean }> {
  const { environment } = place
  return lookSteadily(
    { host, stop, environment, serial: async () => (await readState(place))?.serial },
    async () => {
      const known = async (): Promise<AuditTail | undefined> => (await readState(place))?.audit
      const document = await readState(place)
      const verified = await verifyLog(place, document?.audit, heads, known)
      const forged =
        document === undefined || "unheld" in held ? undefined : held.fault(place, document)
      const value = {
        ...verified,
        faults: [...(forged === undefined ? [] : [forged]), ...verified.faults],
        edited: forged !== undefined,
      }
      return { value, doubt: value.faults.length === 0 ? undefined : JSON.stringify(value) }
    },
  )
}
