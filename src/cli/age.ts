import { formatDuration } from "../base/text/duration.ts"
import type { SecretStatus } from "../plan/status.ts"

/**
 * "12d"; "≥ 12d" where nobody knows how old a value was when it was taken over; "–" where there is
 * none.
 */
export function sayAge({
  ageMs,
  ageAtLeastMs,
}: Pick<SecretStatus, "ageMs" | "ageAtLeastMs">): string {
  if (ageAtLeastMs !== undefined) return `≥ ${formatDuration(ageAtLeastMs)}`
  return ageMs === undefined ? "–" : formatDuration(ageMs)
}
