import { formatDuration } from "../base/text/duration.ts"
import type { HeldLock } from "../base/files/lock.ts"
import { demandLock } from "../base/files/lock-wanted.ts"
import { lockHolder } from "../base/files/lock-holder.ts"
import type { App } from "./app.ts"

/** Waits for an environment's lock, and tells from time to time who holds it and how to end that. */
export function demand(
  app: App,
  environment: string,
  path: string,
): Promise<HeldLock | { readonly heldBy: string }> {
  const { holder, host, stop } = app
  const told = (heldBy: string, waitedMs: number): void =>
    app.onProgress(
      environment,
      "wait",
      waitedMs === 0
        ? `locked by ${heldBy}; it is asked to let go`
        : stillHeld(heldBy, waitedMs, path),
    )
  return demandLock(path, { holder, host, stop, told })
}

function stillHeld(heldBy: string, waitedMs: number, path: string): string {
  return (
    `locked by ${heldBy}; it was asked ${formatDuration(waitedMs)} ago and has not let go. ` +
    `${howToEnd(path)}`
  )
}

const safe =
  "Nothing is lost by it: what it has begun is in the state, and the next run carries on with it"

/**
 * What is safe to do about the process that holds a lock; each command may be followed to the word.
 */
export function howToEnd(path: string): string {
  const holder = lockHolder(path)
  if (holder === undefined)
    return `Its process cannot be seen from here: it may run in another container. End it there. ${safe}.`
  const { pid, kind } = holder
  if (kind === "stopped")
    return (
      `Process ${pid} is stopped (SIGSTOP): kill -CONT ${pid} lets it go on, ` +
      `and kill -KILL ${pid} ends it. ${safe}.`
    )
  if (kind === "waiting for a disk")
    return (
      `Process ${pid} waits for a disk that does not answer: kill -KILL ${pid} ends it as soon ` +
      `as the disk lets it. ${safe}.`
    )
  return (
    `Process ${pid} is at work: kill -TERM ${pid} asks it to end, and kill -KILL ${pid} ends it ` +
    `at once. ${safe}.`
  )
}

/** What to do about a lock that another process holds: a stopped one never ends by itself. */
export function lockedHint(path: string): string {
  return lockHolder(path)?.kind === "stopped"
    ? howToEnd(path)
    : "wait until it is done, and try again"
}
