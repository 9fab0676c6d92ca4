import { AppError } from "../base/error.ts"
import type { Host } from "../base/system/host.ts"

/**
 * A look at a state and its log without the lock: others may write between the two, and what then
 * looks wrong is not.
 */

/** `doubt`: what looks wrong, as text; undefined where nothing does. */
export type Seen<Value> = { readonly value: Value; readonly doubt?: string | undefined }

type Steady = {
  readonly host: Pick<Host, "pause">
  readonly environment: string
  /** Of the state as it lies there now: counts its durable writes. */
  readonly serial: () => Promise<number | undefined>
  readonly stop?: AbortSignal
}

/**
 * Looks before it is given up, and how far they are apart (ms): ten seconds of a process that writes
 * all the time.
 */
const looks = 40
const pauseMs = { first: 20, most: 250 } as const

/**
 * What looks wrong is looked at again, and counts only if it is the same at two looks between which
 * no process has written the state.
 */
export async function lookSteadily<Value>(
  { host, environment, serial, stop = new AbortController().signal }: Steady,
  look: () => Promise<Seen<Value>>,
): Promise<Value> {
  let before: { readonly doubt: string; readonly serial: number | undefined } | undefined
  for (
    let left = looks, waitMs: number = pauseMs.first;
    left > 0 && !stop.aborted;
    left--, waitMs = Math.min(waitMs * 2, pauseMs.most)
  ) {
    const { value, doubt } = await look()
    if (doubt === undefined) return value
    const now = { doubt, serial: await serial() }
    if (before?.doubt === now.doubt && before.serial === now.serial) return value
    before = now
    await host.pause(waitMs, stop)
  }
  throw new AppError(
    "locked",
    `${environment} is written all the time, so its log cannot be judged now`,
    { remedy: "retry", hint: "wait until it is done, and try again" },
  )
}
