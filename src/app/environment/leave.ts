import { describeError } from "../../base/error.ts"
import { isAtWork, leave } from "../../rotate/leave.ts"
import type { Session } from "../../rotate/session.ts"
import { maintainLog } from "../maintain-log.ts"
import type { Locked } from "./lock.ts"

/** How long (ms) programs that are being ended are waited for, and how often they are looked at. */
const endingMs = 6000
const lookMs = 125

/** The log is maintained after whatever the act wrote since the state had this `serial`. */
export async function withLogMaintenance<T>(
  { app, place, stops }: Locked,
  { session, serial }: { readonly session: Session; readonly serial: number },
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } finally {
    await leaveInOrder(session)
    await maintainLog(app, place, session, { serialBefore: serial, stop: stops.stop })
  }
}

/** For an act that may fail before `withLogMaintenance` holds it. */
export async function orLeave<T>(session: Session, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    await leaveInOrder(session)
    throw error
  }
}

/** A run that cannot see our programs may take up what is left open, if none runs any more. */
async function leaveInOrder(session: Session): Promise<void> {
  try {
    for (let waitedMs = 0; isAtWork(session) && waitedMs < endingMs; waitedMs += lookMs)
      await session.work.host.pause(lookMs)
    await leave(session)
  } catch (error) {
    // A person is asked then whether one runs; nothing else depends on it.
    session.work.onProgress("leave", describeError(error).message)
  }
  await session.work.ledger.release?.()
}
