import { AppError } from "../base/error.ts"
import type { ChangeSet } from "../core/change-set.ts"
import type { Session } from "./session.ts"

/** For stages that are only begun while a change set is open. */
export function openSet(session: Session): ChangeSet {
  if (session.changeSet === undefined) throw new AppError("internal", "no change set is open")
  return session.changeSet
}
