import { present } from "../../../base/present.ts"
import type { Credential, OthersRevoked } from "../../../core/ports.ts"
import { endedOrLeft } from "../server/sessions-left.ts"
import { neededAccount } from "./api.ts"
import { give } from "./apply.ts"
import { isHeld } from "./password.ts"
import { endOlderSessions, loginsUnderWay } from "./sessions.ts"
import { checkUser, type RabbitmqTarget } from "./target.ts"

/** For containment: `live` is put back if another value was set; then older sessions end. */
export async function revokeOthers(
  target: RabbitmqTarget,
  live: Credential,
  waitedMs: number,
  signal: AbortSignal,
): Promise<OthersRevoked> {
  checkUser(target, live)
  const account = await neededAccount(target, signal)
  const holds = isHeld(live, account.stored)
  const acceptedAt = holds ? live.acceptedAt : await give(target, live, account, signal)
  const now: Credential = { ...live, ...present({ acceptedAt }) }
  const { ended, left } = await endedOrLeft(
    () => endOlderSessions(target, now, "end", signal),
    `rabbitmqctl close_all_user_connections ${target.options.user} REASON`,
  )
  const underWay = loginsUnderWay(waitedMs)
  return { sessionsEnded: ended, notes: [], ...present({ underWay, sessionsLeft: left }) }
}
