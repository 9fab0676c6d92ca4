import { readAccount } from "./api.ts"
import type { RabbitmqTarget } from "./target.ts"

/**
 * How long (ms) the server may take, once it answers, to carry out what a killed run has sent. It
 * drops a request whose connection has ended, unless its process is at work on it already.
 */
export const settleMs = 2000

/**
 * Nothing shows what is under way. That the server answers shows that it runs, so what it was sent
 * before is carried out, or dropped, from then on.
 */
export async function settle(target: RabbitmqTarget, signal: AbortSignal): Promise<boolean> {
  await readAccount(target, signal)
  await target.context.host.pause(settleMs, signal)
  return !signal.aborted
}
