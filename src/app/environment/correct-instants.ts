import { present } from "../../base/present.ts"
import { gracesOf } from "../../core/graces.ts"
import { aheadOf, believable, isBeforeUs } from "../../core/instants.ts"
import type { StateDocument } from "../../core/state.ts"
import type { Session } from "../../rotate/session.ts"
import type { App } from "../app.ts"

/** At most this many secrets are named in the log line. */
const most = 200

/**
 * Nothing in the state contradicts the present clock. If something does, one of the two is wrong: the
 * machine may have no clock of its own, and its time has not been set yet.
 */
export function agreesWith({ host }: App): (document: StateDocument) => boolean {
  return (document) => believable(document, host.now()) === document
}

/**
 * Puts right what a clock that ran ahead has written: once, so that a grace does not slide with
 * every look. If the clock is not trusted, the state stays as it is. Returns how far (ms) it is ahead
 * of that clock.
 */
export async function correctInstants(session: Session): Promise<number> {
  const { host } = session.work
  const { document } = session
  const now = host.now()
  const aheadMs = aheadOf(document, now)
  if (session.clockDoubted || isBeforeUs(now)) return aheadMs
  if (believable(document, now) === document) return 0
  const right = gracesOf(host).seen(document)
  const changed = Object.entries(right.secrets).filter(
    ([name, state]) => state !== document.secrets[name],
  )
  session.work.onProgress(
    "clock",
    "the state knows of times that have not come: the clock is behind now, " +
      "or was ahead when it was written; they are corrected by the present clock",
  )
  await session.commit({
    patches: Object.fromEntries(changed.map(([name, state]) => [name, () => state])),
    ...present({ changeSet: right.changeSet, deferred: right.deferred }),
    events: [
      {
        event: "clock-was-ahead",
        aheadSeconds: Math.round(aheadMs / 1000),
        secrets: changed.map(([name]) => name).slice(0, most),
      },
    ],
    flush: true,
  })
  return 0
}
