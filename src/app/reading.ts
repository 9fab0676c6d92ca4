import { AppError } from "../base/error.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { Session } from "../rotate/session.ts"
import type { App } from "./app.ts"
import { refuseTaken } from "./belongs.ts"
import { agreesWith } from "./environment/correct-instants.ts"
import { withLogMaintenance } from "./environment/leave.ts"
import { withLock } from "./environment/lock.ts"
import { ledgerOf } from "./ledger-of.ts"
import { openWork } from "./open.ts"

/**
 * Two may read at once: the second waits (ms) until the first has written its line. A rotation is not
 * waited for.
 */
const lockMs = 5000
const pauseMs = 100

/** Tries again for some seconds while another run works on the environment. */
export async function whenFree<T>(
  app: Pick<App, "host" | "stop">,
  act: () => Promise<T>,
): Promise<T> {
  const began = app.host.monotonicMs()
  for (;;) {
    try {
      return await act()
    } catch (error) {
      const held = error instanceof AppError && error.code === "locked"
      if (!held || app.host.monotonicMs() - began >= lockMs || app.stop.aborted) throw error
      await app.host.pause(pauseMs, app.stop)
    }
  }
}

/**
 * Writes down that values are opened, before the first one is. An open journal stays as it is.
 */
export function writeReading(app: App, environment: string, event: AuditEvent): Promise<void> {
  return whenFree(app, () =>
    withLock(app, environment, async (locked) => {
      const { today, place, stops } = locked
      const ledger = ledgerOf(locked.app, place)
      const document = await ledger.load()
      await refuseTaken(app, today, document)
      const session = new Session(
        openWork(locked.app, {
          options: today,
          ledger,
          document,
          stop: stops.stop,
          forceStop: stops.forceStop,
          startsNothing: true,
        }),
        document,
        { clockDoubted: !agreesWith(app)(document) },
      )
      await withLogMaintenance(locked, { session, serial: document.serial }, () =>
        session.commit({ events: [event], flush: true }),
      )
    }),
  )
}
