import { formatDuration } from "../base/text/duration.ts"
import type { SecretStatus } from "../plan/status.ts"

/** "12d"; "≥ 12d" if the age of a value was unknown when it was taken over; "–" without a value. */
export function sayAge({
  ageMs,
  ageAtLeastMs,
}: Pick<SecretStatus, "ageMs" | "ageAtLeastMs">): string {
  if (ageAtLeastMs !== undefined) return `≥ ${formatDuration(ageAtLeastMs)}`
  return ageMs === undefined ? "–" : formatDuration(ageMs)
}
