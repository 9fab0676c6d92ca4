import { parseDuration } from "../base/text/duration.ts"
import { AppError } from "../base/error.ts"

/** "2026-11-01", "2026-11-01T09:30Z", or how long ago: "90d". */
export function instantOf(text: string, option: string, now: Date): Date {
  const age = parseDuration(text)
  if (age !== undefined) return new Date(Math.max(0, now.getTime() - age))
  const at = new Date(/^\d{4}-\d\d-\d\d/.test(text) ? text : Number.NaN)
  if (Number.isNaN(at.getTime()))
    throw new AppError(
      "usage",
      `--${option} takes an instant such as 2026-11-01 or 2026-11-01T09:30Z, or an age such as 90d`,
    )
  if (at > now) throw new AppError("usage", `--${option} lies in the future`)
  return at
}
