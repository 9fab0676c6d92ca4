import { formatDuration } from "../../base/text/duration.ts"
import { aheadOf, isBeforeUs } from "../../core/instants.ts"
import type { StateDocument } from "../../core/state.ts"
import { defineCheck } from "./check.ts"

/**
 * Ages, graces and schedules hang on the clock. It cannot be before this program was written, nor
 * before what it wrote.
 */

export const clock = defineCheck({
  name: "clock",
  faults: {
    "clock-wrong": {
      severity: "error",
      remedy:
        "if it is wrong now, set it (timedatectl, chrony) before anything rotates: " +
        "ages and graces are counted by it; if it is right now, mycelium run notes that after " +
        "ten minutes, and mycelium rotate-now ENV at once: what was written ahead does not " +
        "count from then on",
    },
  },
  inspect: (
    { documents, now }: { readonly documents: readonly StateDocument[]; readonly now: Date },
    report,
  ) => {
    if (isBeforeUs(now))
      report.found(
        "clock-wrong",
        `the clock says ${now.toISOString().slice(0, 10)}, which is before this program was written`,
      )
    for (const document of documents) {
      const aheadMs = aheadOf(document, now)
      if (aheadMs > 0)
        report.found(
          "clock-wrong",
          `the state of ${document.environment} was written ${formatDuration(aheadMs)} in the ` +
            "future: the clock is wrong now, or was wrong then",
        )
    }
    return "it is later than everything in the state"
  },
})
