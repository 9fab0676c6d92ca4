import { lockHolder } from "../base/files/lock-holder.ts"
import type { Config } from "../config/model.ts"
import { lockPath } from "../record/state-file.ts"

/**
 * A process is seen at work on this environment, and is not stopped. One that cannot be seen from
 * here (in another container) is not seen at work.
 */
export function isWorkedOn(
  { store, project }: Pick<Config, "store" | "project">,
  environment: string,
): boolean {
  const holder = lockHolder(lockPath({ store, project, environment }))
  return holder !== undefined && holder.kind !== "stopped"
}
