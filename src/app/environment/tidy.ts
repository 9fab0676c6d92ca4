import { describeError } from "../../base/error.ts"
import { settleOutput } from "../../base/files/durable-folder.ts"
import type { Output } from "../../core/ports.ts"
import { answersWithinMs, inTime } from "../../deliver/in-time.ts"
import type { Session } from "../../rotate/session.ts"

/**
 * Removes the drafts that a crash left: they hold values. What it had renamed is made durable before
 * anything is built on it. What cannot be done is told, and stops nothing else.
 */
export async function tidy(session: Session): Promise<void> {
  await session.work.ledger.tidy?.()
  for (const output of session.work.outputs) {
    try {
      await tidyOutput(output)
    } catch (error) {
      session.work.onProgress("tidy", describeError(error).message)
    }
  }
}

async function tidyOutput(output: Output): Promise<void> {
  await inTime({
    target: output.target,
    ms: answersWithinMs,
    act: async () => {
      await output.tidy()
      await settleOutput(output.target)
    },
  })
}
