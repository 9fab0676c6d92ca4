import type { AppError } from "../base/error.ts"
import { existsSync } from "node:fs"
import type { StateDocument } from "../core/state.ts"
import { auditPath, peekLogEnd, readLogEnd } from "./audit-log.ts"
import { olderThanLog } from "./older-than-log.ts"
import { type StateKey, readState } from "./state-file.ts"

/** All lines still ride in the state: without a log, nothing can know of more. */
export function isBeforeItsLog(document: StateDocument | undefined): boolean {
  return document === undefined || document.audit.count === document.audit.lines.length
}

/**
 * Without any key: is a state older than its log, or gone, or is the log cut? Then every command
 * that acts refuses to. `document`: as it was read before. Beside an act that is under way nothing
 * is taken for that: a state is durable before the log hears of it, so it is read once more.
 * `hasLog`: whether there is a log, where that was looked up after the document was read.
 */
export async function behindItsLog(
  place: StateKey,
  document: StateDocument | undefined,
  hasLog?: boolean,
): Promise<AppError | undefined> {
  const { audit, serial } = document ?? { audit: { count: 0, lines: [] }, serial: 0 }
  if (isBeforeItsLog(document) && !(hasLog ?? existsSync(auditPath(place)))) return undefined
  const end = peekLogEnd(place) ?? (await readLogEnd(place))
  if (end.count < audit.count - audit.lines.length)
    return olderThanLog(place, { lost: false, cut: true })
  if (end.serial <= serial) return undefined
  const now = await readState(place)
  return end.serial <= (now?.serial ?? 0)
    ? undefined
    : olderThanLog(place, { lost: now === undefined })
}
