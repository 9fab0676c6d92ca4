import { formatDuration } from "../base/duration.ts"
import { type StateDocument, openSets } from "../core/state.ts"
import { defineCheck } from "./check.ts"

/** Ages, graces and schedules hang on the clock. It cannot be before this program was written, nor before what it wrote. */

const writtenAt = Date.parse("2026-11-01T00:00:00Z")
/** What two machines that share a backup may differ by. */
const toleranceMs = 60_000

export const clock = defineCheck({
  name: "clock",
  faults: {
    "clock-wrong": { severity: "error", remedy: "set the clock (timedatectl, chrony) before anything rotates: ages and graces are counted by it" },
  },
  look: ({ documents, now }: { readonly documents: readonly StateDocument[]; readonly now: Date }, report) => {
    if (now.getTime() < writtenAt) report.found("clock-wrong", `the clock says ${now.toISOString().slice(0, 10)}, which is before this program was written`)
    for (const document of documents) {
      const aheadMs = Math.max(...instantsIn(document)) - now.getTime()
      if (aheadMs > toleranceMs) report.found("clock-wrong", `the state of ${document.environment} was written ${formatDuration(aheadMs)} in the future: the clock is wrong now, or was wrong then`)
    }
    return "it is later than everything in the state"
  },
})

/** When something was done; not when something shall be. */
function instantsIn(document: StateDocument): readonly number[] {
  const done = Object.values(document.secrets).flatMap(({ rotatedAt, versions }) => [rotatedAt, ...versions.flatMap(({ madeAt, stage }) => [madeAt, stage.is === "kept" ? stage.since : undefined])])
  return [...openSets(document).map(({ startedAt }) => startedAt), ...done].map((at) => (at === undefined ? Number.NaN : Date.parse(at))).filter((at) => !Number.isNaN(at))
}
