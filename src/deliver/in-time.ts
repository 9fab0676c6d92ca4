import { within } from "../base/deadline.ts"
import { AppError } from "../base/error.ts"
import { noteLateRead } from "../base/processes/live-marks.ts"

/** How long (ms) the file system of an output may take to answer: one that is served may hang. */
export const answersWithinMs = 60_000

/** Targets of which an act has not come back. As few as two threads do such acts: one each. */
const silent = new Set<string>()

type Asked<T> = {
  readonly target: string
  readonly ms: number
  readonly act: () => Promise<T>
  /** What comes after its time. */
  readonly late?: (result: T) => Promise<void>
}

/** Throws `output-silent` where no answer comes in time, or that of an earlier act has not come. */
export async function inTime<T>({ target, ms, act, late }: Asked<T>): Promise<T> {
  if (silent.has(target)) throw noAnswer(target, "has not answered since an earlier act")
  const running = act()
  try {
    return await within(ms, () => running)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "timeout") throw error
    silent.add(target)
    noteLateRead(true)
    void running
      .then((result) => late?.(result))
      .catch(() => undefined)
      .finally(() => {
        silent.delete(target)
        noteLateRead(silent.size > 0)
      })
    throw noAnswer(target, `does not answer within ${Math.ceil(ms / 1000)} s`)
  }
}

function noAnswer(target: string, message: string): AppError {
  return new AppError("output-silent", `the file system of ${target} ${message}`, {
    remedy: "retry",
    hint: "mount says what serves it (FUSE, or a server of NFS that is gone): start that again, or unmount it (umount -l)",
  })
}
