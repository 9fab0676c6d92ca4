import type { StateDocument } from "../../core/state.ts"
import { defineCheck } from "./check.ts"

/**
 * Has the newest head of each log left the machine, as the config says? Only then does a log prove
 * who changed it.
 */

export type Log = {
  readonly environment: string
  readonly document: StateDocument
  /** For how long the state has not been written (ms): a head leaves at the end of an act. */
  readonly quietMs: number
  /** What was sent last, and why the newest was not. */
  readonly sent: {
    readonly last?: { readonly n: number; readonly head: string }
    readonly failed?: { readonly at: string; readonly message: string }
  }
}

/** An act that is under way sends its head when it is done. */
const actMs = 60_000

export const auditHeads = defineCheck({
  name: "audit",
  faults: {
    "audit-heads-undelivered": {
      severity: "warning",
      remedy:
        "put right what it names: the head goes with the next act; until then no other machine " +
        "can tell whether these lines were changed",
    },
  },
  inspect: ({ logs }: { readonly logs: readonly Log[] }, report) => {
    for (const { environment, document, quietMs, sent } of logs) {
      const { count, head } = document.audit
      const behind = count > 0 && (sent.last?.n !== count || sent.last.head !== head)
      if (!behind || document.changeSet !== undefined) continue
      if (sent.failed === undefined && quietMs < actMs) continue
      const last =
        sent.last === undefined
          ? "none ever has"
          : `the last one that has is of line ${sent.last.n}`
      const why =
        sent.failed === undefined
          ? ""
          : `: ${sent.failed.message}, at ${sent.failed.at.slice(0, 16).replace("T", " ")} UTC`
      report.found(
        "audit-heads-undelivered",
        `${environment}: the head of line ${count} has not left the machine (${last})${why}`,
      )
    }
    return logs.length === 0
      ? "no log yet whose head could leave the machine"
      : `the head${logs.length === 1 ? "" : "s"} of ${logs.length} ` +
          `log${logs.length === 1 ? " has" : "s have"} left the machine`
  },
})
