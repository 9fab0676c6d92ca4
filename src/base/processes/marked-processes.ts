import { noteLateRead } from "./live-marks.ts"
import { statSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { AppError } from "../error.ts"
import {
  endSession,
  isProcess,
  type Process,
  type ProcessId,
  processes,
} from "./process-session.ts"
import { beginStopwatch, deadlineOf } from "./run-time.ts"

/**
 * Programs that an earlier run started and that its crash left behind. Each was started with a mark
 * in its environment and leads a session of its own; what it started in turn carries the mark too,
 * but does not lead.
 *
 * The environment of another user's process lies in its memory, and its owner can make a read of
 * that wait for ever. So only processes that we may have started are read, one at a time, on
 * another thread, and within a deadline.
 */
export const markVariable = "MYCELIUM_RUN"

export type LookOptions = {
  /**
   * No program that is looked for is older (ticks since the machine started); all are looked at if
   * left out.
   */
  readonly since?: number
  /** Only these are looked for, whatever else carries the mark. */
  readonly only?: readonly ProcessId[]
  /** Reads the environment of a process; the kernel's own answer if left out. */
  readonly read?: (pid: number) => Promise<string>
  /** How long all reads of one look may take; 2 s if left out. */
  readonly readMs?: number
}
export type EndOptions = LookOptions & {
  /** How long it may go on by itself before TERM. */
  readonly waitMs: number
  readonly signal?: AbortSignal
  /** Between TERM and KILL; 3 s if left out. */
  readonly graceMs?: number
}

/**
 * Waits for what carries `mark` to end, then ends it, all of it at once. True when none is left;
 * false if it cannot be ended, or `signal` aborted first. Throws `process-unreadable` where that
 * cannot be known.
 */
export async function endMarked(mark: string, options: EndOptions): Promise<boolean> {
  const { signal, graceMs = 3000 } = options
  const first = await scan((one) => one === mark, options)
  if (signal?.aborted) return false
  if (first.found.length > 0) {
    const left = await waitFor(first.found, options)
    if (signal?.aborted) return false
    await Promise.all(left.map(({ pid }) => endSession(pid, graceMs, signal)))
    if (signal?.aborted) return false
  }
  const last = first.found.length > 0 ? await scan((one) => one === mark, options) : first
  if (last.found.length > 0) return false
  if (last.unread !== undefined) throw unreadable(last.unread)
  return true
}

/**
 * The pids of all leaders that carry `mark`, as far as they can be read; none where there is no
 * /proc.
 */
export async function findMarked(
  mark: string,
  options: LookOptions = {},
): Promise<readonly number[]> {
  return (await scan((one) => one === mark, options)).found.map(({ pid }) => pid)
}

/**
 * The marks, among those that `matches` takes, of leaders that run now, no matter which run began
 * them. Throws `process-unreadable` if there may be more.
 */
export async function marksThatRun(
  matches: (mark: string) => boolean,
  options: LookOptions = {},
): Promise<readonly string[]> {
  const { found, unread } = await scan(matches, options)
  if (unread !== undefined) throw unreadable(unread)
  return found.flatMap(({ marks }) => marks)
}

/**
 * Those of `found` that still run after their time; told by pid and start, so that nothing is read
 * twice.
 */
async function waitFor(
  found: readonly Process[],
  { waitMs, signal }: EndOptions,
): Promise<readonly Process[]> {
  const watch = beginStopwatch()
  try {
    let left = found
    for (
      let pauseMs = 5;
      left.length > 0 && watch.ms() < waitMs && signal?.aborted !== true;
      pauseMs = Math.min(pauseMs * 2, 100)
    ) {
      await Bun.sleep(Math.min(pauseMs, Math.max(1, waitMs - watch.ms())))
      const now = await processes()
      left = left.filter((one) => now.some((other) => isSame(one, other)))
    }
    return left
  } finally {
    watch.end()
  }
}

function isSame(one: Process, other: Process): boolean {
  return isProcess(one, other) && other.state !== "Z"
}

type Look = {
  readonly found: readonly (Process & { readonly marks: readonly string[] })[]
  /** One that may carry a mark, and cannot be read. */
  readonly unread: number | undefined
}

/** One pass over all processes. */
async function scan(matches: (mark: string) => boolean, options: LookOptions): Promise<Look> {
  const { read = readEnvironment, readMs = 2000 } = options
  const deadline = deadlineOf(readMs)
  try {
    const found: (Process & { readonly marks: readonly string[] })[] = []
    for (const one of await candidates(options)) {
      const environment = await readInTurn(one.pid, read, deadline.signal)
      if (environment === undefined) return { found, unread: underWay?.pid ?? one.pid }
      const marks = marksIn(environment).filter(matches)
      if (marks.length > 0) found.push({ ...one, marks })
    }
    return { found, unread: undefined }
  } finally {
    deadline.end()
  }
}

/**
 * Processes that a run of mycelium may have begun: first those of this user and of root, then
 * (root's programs may change their user) all others.
 */
async function candidates({ since = 0, only }: LookOptions): Promise<readonly Process[]> {
  const leaders = (await processes()).filter(
    (one) =>
      one.pid > 1 &&
      one.pid !== process.pid &&
      one.state !== "Z" &&
      one.pid === one.group &&
      one.pid === one.session &&
      one.startedAt >= since &&
      (only === undefined || only.some((other) => isProcess(one, other))),
  )
  const us = process.geteuid?.()
  const near: Process[] = []
  const others: Process[] = []
  for (const one of leaders) {
    const uid = statSync(`/proc/${one.pid}`, { throwIfNoEntry: false })?.uid
    if (uid === us || uid === 0) near.push(one)
    else if (uid !== undefined && us === 0) others.push(one)
  }
  return [...near, ...others]
}

/**
 * The one read that is under way in this process. There may be only two threads that read: a second
 * read that never returns must not take the other one.
 */
let underWay: { readonly pid: number; readonly done: Promise<string>; late: boolean } | undefined

/** undefined if it does not return in time, or an earlier one has not returned. */
async function readInTurn(
  pid: number,
  read: (pid: number) => Promise<string>,
  over: AbortSignal,
): Promise<string | undefined> {
  while (underWay !== undefined) {
    if (underWay.late || (await orOver(underWay.done, over)) === undefined) return undefined
  }
  if (over.aborted) return undefined
  // A process that is gone, or another user's, has no readable mark.
  const done = read(pid).catch(() => "")
  const own = { pid, done, late: false }
  underWay = own
  void done.then(() => {
    if (underWay !== own) return
    underWay = undefined
    noteLateRead(false)
  })
  const environment = await orOver(done, over)
  own.late = environment === undefined
  if (own.late && underWay === own) noteLateRead(true)
  return environment
}

function orOver(done: Promise<string>, over: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const end = (): void => resolve(undefined)
  if (over.aborted) end()
  over.addEventListener("abort", end)
  return Promise.race([done, promise]).finally(() => over.removeEventListener("abort", end))
}

function readEnvironment(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/environ`, "utf8")
}

function marksIn(environment: string): readonly string[] {
  return environment
    .split("\0")
    .flatMap((entry) =>
      entry.startsWith(`${markVariable}=`) ? [entry.slice(markVariable.length + 1)] : [],
    )
}

function unreadable(pid: number): AppError {
  const uid = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid
  const whose = uid === undefined ? "" : ` of user ${uid}`
  return new AppError(
    "process-unreadable",
    `whether process ${pid}${whose} was begun by an earlier run cannot be known: ` +
      "its environment cannot be read, the read does not come back",
    {
      remedy: "ask-operator",
      hint:
        `find out what process ${pid} is, and end it; or, if no program of an earlier run lives ` +
        "any more, mycelium reconcile with --nothing-runs goes on",
    },
  )
}
