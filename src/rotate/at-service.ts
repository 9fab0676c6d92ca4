import { within } from "../base/deadline.ts"
import { AppError } from "../base/error.ts"
import type { Session } from "./session.ts"

/** `ms`: from its turn on. `waiting`: once that aborts, it is waited for no longer. */
export type Deadline = number | { readonly ms: number; readonly waiting: AbortSignal | undefined }

/** One act at the service of `name`, in its turn, with its deadline. */
export function atService<T>(
  session: Session,
  name: string,
  deadline: Deadline,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { ms, waiting } =
    typeof deadline === "number" ? { ms: deadline, waiting: undefined } : deadline
  return session.work.withServerSlot(name, async () => {
    session.acts.set(name, {})
    try {
      return await within(ms, act, waiting, session.work.forceStop).catch((error: unknown) =>
        Promise.reject(silentAt(session.work.serverOf(name), error)),
      )
    } finally {
      session.acts.delete(name)
    }
  })
}

/** A server that speaks another protocol often says nothing at all. */
function silentAt(server: string | undefined, error: unknown): unknown {
  if (
    server === undefined ||
    !(error instanceof AppError) ||
    error.code !== "timeout" ||
    error.message.includes(server)
  )
    return error
  return new AppError("timeout", `${error.message} from ${server}`, {
    remedy: error.remedy,
    hint:
      error.hint ??
      "see that it runs, and that this is its port: what speaks another protocol there says nothing",
  })
}

/** An act that changes something there: without an answer, it may land later. */
export async function changeAt<T>(
  session: Session,
  name: string,
  deadline: Deadline,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await atService(session, name, deadline, act)
  } catch (error) {
    session.settled.delete(name)
    throw error
  }
}
