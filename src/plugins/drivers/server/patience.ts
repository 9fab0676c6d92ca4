import type { Host } from "../../../base/system/host.ts"
import type { HttpAnswer } from "./http-reader.ts"

/** How often a vendor's API is asked where it throttles, and how long (ms) it is waited for at most. */
const mostTimes = 4
const firstWaitMs = 500
const longestWaitMs = 10_000

type Asking = {
  send(): Promise<HttpAnswer>
  /** It has done nothing, and may answer soon. */
  isBusy(answer: HttpAnswer): boolean
  readonly host: Pick<Host, "pause">
}

/** Waits as the API asks, else longer each time. The last answer, where it stays busy. */
export async function patiently(
  { send, isBusy, host }: Asking,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  for (let times = 1; ; times++) {
    const answer = await send()
    if (!isBusy(answer) || times === mostTimes) return answer
    const waitMs = askedMs(answer) ?? firstWaitMs * 2 ** (times - 1)
    if (waitMs > longestWaitMs) return answer
    await host.pause(waitMs, signal)
  }
}

/** Retry-After; a date is not read, for two clocks may differ. */
function askedMs({ retryAfter = "" }: HttpAnswer): number | undefined {
  return /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined
}
