import { AppError, describeError } from "../base/error.ts"
import type { Landed, TokenOf } from "../core/entry.ts"
import type { Draft, Output, OutputWait } from "../core/ports.ts"
import { inTime } from "./in-time.ts"

export type Landing = OutputWait & { readonly tokenOf: TokenOf }

/**
 * Makes the draft of an entry visible. Its mark since, or a throw: `entry-refused`, which is over,
 * or another code, after which it may still land. An answer that was lost is settled at once, within the
 * same time: a manager that hangs costs that once.
 */
export async function land(
  output: Pick<Output, "target" | "place">,
  draft: Draft,
  { tokenOf, turn, managerMs: ms }: Landing,
): Promise<string> {
  let sent = false
  const landed = await inTime({
    output,
    ms,
    turn,
    act: async (signal) => {
      sent = true
      return settled(draft, tokenOf, signal)
    },
  }).catch((error: unknown): Landed => {
    // What was never sent cannot land.
    if (!sent) throw error
    return { is: "unknown", reason: describeError(error).message }
  })
  if (landed.is === "done") return landed.mark
  throw landed.is === "refused" ? refused(landed.reason) : unknown(landed.reason)
}

async function settled(draft: Draft, tokenOf: TokenOf, signal: AbortSignal): Promise<Landed> {
  const first = (await draft.commit(tokenOf, signal)) ?? { is: "done" as const, mark: "" }
  return first.is === "unknown" && draft.settle !== undefined
    ? draft.settle(tokenOf, signal)
    : first
}

function refused(reason: string): AppError {
  return new AppError("entry-refused", `it was not written: ${reason}`, {
    remedy: "retry",
    hint: "see who else writes there, and that the login of mycelium may write",
  })
}

function unknown(reason: string): AppError {
  return new AppError("entry-unknown", `it is unknown whether it was written: ${reason}`, {
    remedy: "retry",
    hint:
      "see that its manager runs, and can be reached from here: it is written again then, " +
      "so that nothing older can land",
  })
}
