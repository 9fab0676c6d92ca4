import { formatDuration } from "../base/text/duration.ts"
import { AppError } from "../base/error.ts"
import type { UnderWay } from "../core/ports.ts"
import { changeAt } from "./at-service.ts"
import type { Session } from "./session.ts"
import { deadlines } from "./work.ts"

type Ended = { readonly sessionsEnded?: number; readonly underWay?: UnderWay }

/** A service that lets logins take longer than it says (ms). */
const graceMs = 30_000

/**
 * Ends sessions, and again until no login that began by an older value can end well any more: only
 * then is none left. The service is not kept busy meanwhile: others have their turn there.
 */
export async function untilOver<Done extends Ended>(
  session: Session,
  name: string,
  act: (signal: AbortSignal, waitedMs: number) => Promise<Done>,
  hint = endsLate,
): Promise<Done> {
  let [sessionsEnded, waitedMs, mostMs] = [0, 0, 0]
  for (;;) {
    const done = await changeAt(session, name, deadlines.revoke, (signal) => act(signal, waitedMs))
    sessionsEnded += done.sessionsEnded ?? 0
    const { underWay } = done
    if (underWay === undefined) return { ...done, sessionsEnded }
    if (waitedMs === 0) {
      mostMs = underWay.mostMs
      session.work.onProgress("wait", `waiting up to ${sayWait(mostMs)}: ${couldEndWell}`, name)
    }
    if (waitedMs > mostMs + graceMs || !(await waited(session, underWay.inMs)))
      throw new AppError("login-under-way", couldEndWell, {
        remedy: "retry",
        hint,
      })
    waitedMs += underWay.inMs
  }
}

const endsLate =
  "mycelium run --once: by the service's clock it waits no longer than is left, " +
  "then ends the session of such a login, too"
const couldEndWell = "a login that was under way with the old password could still end well"

function sayWait(ms: number): string {
  return formatDuration(Math.ceil(ms / 1000) * 1000)
}

/** False where we are asked to stop. */
async function waited({ work }: Session, ms: number): Promise<boolean> {
  const ends = AbortSignal.any([work.stop, ...(work.asked === undefined ? [] : [work.asked])])
  if (!ends.aborted) await work.host.pause(ms, ends)
  return !ends.aborted
}
