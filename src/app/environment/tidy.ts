import { describeError } from "../../base/error.ts"
import { settleOutput } from "../../base/files/durable-folder.ts"
import type { Output } from "../../core/ports.ts"
import { isEntry } from "../../core/entry.ts"
import { inTime } from "../../deliver/in-time.ts"
import { dropStaged } from "../../rotate/stage.ts"
import type { Session } from "../../rotate/session.ts"

/**
 * Removes the drafts that a crash left: they hold values. What it had renamed is made durable before
 * anything is built on it. What cannot be done is told, and stops nothing else.
 */
export async function tidy(session: Session): Promise<void> {
  await session.work.ledger.tidy?.()
  await dropStaged(session)
  for (const output of session.work.outputs) {
    try {
      await tidyOutput(session, output)
    } catch (error) {
      session.work.onProgress("tidy", describeError(error).message)
    }
  }
}

async function tidyOutput({ work }: Session, output: Output): Promise<void> {
  await inTime({
    output,
    turn: work.forceStop,
    act: async (signal) => {
      await output.tidy(signal)
      if (!isEntry(output)) await settleOutput(output.target)
    },
  })
}
