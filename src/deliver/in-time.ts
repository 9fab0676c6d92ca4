import { within } from "../base/deadline.ts"
import { AppError } from "../base/error.ts"
import { noteLateRead } from "../base/processes/live-marks.ts"
import { isEntry } from "../core/entry.ts"
import type { Output } from "../core/ports.ts"

/** How long (ms) the file system of an output may take to answer: one that is served may hang. */
export const answersWithinMs = 60_000
/** How long (ms) the manager of an entry may. */
export const managerWithinMs = 20_000

/** Targets of which an act has not come back. As few as two threads do such acts: one each. */
const silent = new Set<string>()

/**
 * Entries whose manager has let its time run out, by the turn in which it did: it is not asked
 * again in that turn. Its acts end with their signal, so they hold nothing up after that.
 */
const silentIn = new WeakMap<AbortSignal, Set<string>>()
const noTurn = new AbortController().signal

type Asked<T> = {
  readonly output: Pick<Output, "target" | "place">
  /** Left out: as long as its kind may take. */
  readonly ms?: number | undefined
  /** Ends the wait. One for each turn. */
  readonly turn?: AbortSignal | undefined
  readonly act: (signal: AbortSignal) => Promise<T>
  /** What comes after its time. */
  readonly late?: (result: T) => Promise<void>
}

/** Throws `output-silent` where no answer comes in time, or that of an earlier act has not come. */
export function inTime<T>(asked: Asked<T>): Promise<T> {
  return isEntry(asked.output) ? askManager(asked) : askFiles(asked)
}

async function askFiles<T>({
  output: { target },
  ms = answersWithinMs,
  turn,
  act,
  late,
}: Asked<T>): Promise<T> {
  if (silent.has(target)) throw noAnswer(target, "has not answered since an earlier act")
  let running: Promise<T> | undefined
  try {
    return await within(ms, (signal) => (running = act(signal)), turn)
  } catch (error) {
    if (!isOver(error) || running === undefined) throw error
    silent.add(target)
    noteLateRead(true)
    void running
      .then((result) => late?.(result))
      .catch(() => undefined)
      .finally(() => {
        silent.delete(target)
        noteLateRead(silent.size > 0)
      })
    throw error.code === "timeout"
      ? noAnswer(target, `does not answer within ${Math.ceil(ms / 1000)} s`)
      : error
  }
}

async function askManager<T>({
  output: { target },
  ms = managerWithinMs,
  turn = noTurn,
  act,
}: Asked<T>): Promise<T> {
  if (turn.aborted)
    throw new AppError("abandoned", "not waited for any longer", { remedy: "retry" })
  const known = silentIn.get(turn)
  if (known?.has(target) === true) throw noManager(target, "has not answered since an earlier call")
  try {
    return await within(ms, act, turn)
  } catch (error) {
    if (!isOver(error) || error.code !== "timeout") throw error
    silentIn.set(turn, (known ?? new Set()).add(target))
    throw noManager(target, `does not answer within ${Math.ceil(ms / 1000)} s`)
  }
}

function isOver(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === "timeout" || error.code === "abandoned")
}

function noAnswer(target: string, message: string): AppError {
  return new AppError("output-silent", `the file system of ${target} ${message}`, {
    remedy: "retry",
    hint:
      "mount says what serves it (FUSE, or a server of NFS that is gone): start that again, " +
      "or unmount it (umount -l)",
  })
}

function noManager(target: string, message: string): AppError {
  return new AppError("entry-silent", `the manager of ${target} ${message}`, {
    remedy: "retry",
    hint: "see that it runs, and can be reached from here",
  })
}
