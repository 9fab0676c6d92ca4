import { readFile } from "node:fs/promises"
import { endSession, processes } from "./process-session.ts"
import { beginStopwatch } from "./run-time.ts"

/**
 * Programs that an earlier run of ours started and that a crash of ours left behind. Each was started with a mark in its
 * environment and leads a session of its own; what it started in turn carries the mark too, but does not lead.
 */
export const markVariable = "MYCELIUM_RUN"

export type EndOptions = {
  /** How long it may go on by itself before TERM. */
  readonly waitMs: number
  readonly signal?: AbortSignal
  /** Between TERM and KILL; 3 s if left out. */
  readonly graceMs?: number
}

/** Waits for what carries `mark` to end, then ends it. True when none is left; false if it cannot be ended, or `signal` aborted first. */
export async function endMarked(mark: string, options: EndOptions): Promise<boolean> {
  let found = await findMarked(mark)
  const watch = beginStopwatch()
  try {
    for (
      let pauseMs = 5;
      found.length > 0 && watch.ms() < options.waitMs;
      pauseMs = Math.min(pauseMs * 2, 100)
    ) {
      if (options.signal?.aborted) return false
      await Bun.sleep(Math.min(pauseMs, Math.max(1, options.waitMs - watch.ms())))
      found = await findMarked(mark)
    }
  } finally {
    watch.end()
  }
  for (const leader of found) await endSession(leader, options.graceMs ?? 3000)
  return found.length === 0 || (await findMarked(mark)).length === 0
}

/** The pids of all leaders that carry `mark`; none where there is no /proc. */
export async function findMarked(mark: string): Promise<readonly number[]> {
  return (await markedLeaders()).filter(({ marks }) => marks.includes(mark)).map(({ pid }) => pid)
}

/** The marks, among those that `matches` takes, of leaders that run now, whoever began them. */
export async function marksThatRun(matches: (mark: string) => boolean): Promise<readonly string[]> {
  return (await markedLeaders()).flatMap(({ marks }) => marks.filter(matches))
}

async function markedLeaders(): Promise<
  readonly { readonly pid: number; readonly marks: readonly string[] }[]
> {
  const leaders = (await processes()).filter(
    (one) => one.pid > 1 && one.state !== "Z" && one.pid === one.group && one.pid === one.session,
  )
  return Promise.all(leaders.map(async ({ pid }) => ({ pid, marks: await marksOf(pid) })))
}

/** What is gone, or another user's, holds no readable mark. */
async function marksOf(pid: number): Promise<readonly string[]> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")
  return environment
    .split("\0")
    .flatMap((entry) =>
      entry.startsWith(`${markVariable}=`) ? [entry.slice(markVariable.length + 1)] : [],
    )
}
