/**
 * Which marked programs run, or were seen to end, in this process. Apart from spawn.ts, so that
 * asking loads nothing.
 */

let isLate = false

/** A read of another process, or of an output, that never returns: it keeps this process alive. */
export function noteLateRead(late: boolean): void {
  isLate = late
}
export function hasLateRead(): boolean {
  return isLate
}

/** Marks of the programs that run now; of one that cannot be ended, for good. */
const live: string[] = []

/** Marks whose last program this process saw end; the latest of them. */
const ended = new Set<string>()
const endedMost = 1000

/** Does a program of this process run whose mark `matches` takes? */
export function runsMarked(matches: (mark: string) => boolean): boolean {
  return live.some(matches)
}

/**
 * True if this process saw the mark's program end: what still carries the mark is a daemon that the
 * program left.
 */
export function sawEnd(mark: string): boolean {
  return ended.has(mark) && !live.includes(mark)
}

/** Hears of the programs of a mark. */
export type MarkWatcher = {
  begins(mark: string): void
  started(mark: string, pid: number | undefined): void
  /** Without a pid it could not be started. */
  ended(mark: string, pid: number | undefined): void
}
const watchers = new Map<string, MarkWatcher>()

/** `watcher` hears of each program of `mark` that begins while `act` runs. */
export async function watchMark<T>(
  mark: string,
  watcher: MarkWatcher | undefined,
  act: () => Promise<T>,
): Promise<T> {
  if (watcher !== undefined) watchers.set(mark, watcher)
  try {
    return await act()
  } finally {
    watchers.delete(mark)
  }
}

/** What hears of the program that begins now, until its end. */
export function watcherOf(mark: string | undefined): MarkWatcher | undefined {
  return mark === undefined ? undefined : watchers.get(mark)
}

export function liveMark(mark: string | undefined): void {
  if (mark !== undefined) live.push(mark)
}

/** It was never begun, or has ended. */
export function forgetMark(mark: string | undefined): void {
  const index = mark === undefined ? -1 : live.indexOf(mark)
  if (index >= 0) live.splice(index, 1)
}

export function noteEnd(mark: string | undefined): void {
  forgetMark(mark)
  if (mark === undefined) return
  // The latest one is last.
  ended.delete(mark)
  ended.add(mark)
  const [oldest] = ended
  if (ended.size > endedMost && oldest !== undefined) ended.delete(oldest)
}
