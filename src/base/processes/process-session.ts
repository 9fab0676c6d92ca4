import { readFileSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { systemCode } from "../error.ts"
import { beginStopwatch } from "./run-time.ts"

/**
 * A program that leads a session, and all that it started there. A session, not only a group:
 * coreutils' `timeout` and shells with job control put their children into groups of their own,
 * which a signal to the first group does not reach.
 */

/** The system gives a pid to another process later, but never with the same start. */
export type ProcessId = {
  readonly pid: number
  /** In ticks since the machine started. */
  readonly startedAt: number
}
export type Process = ProcessId & {
  readonly state: string
  readonly group: number
  readonly session: number
}

export function isProcess({ pid, startedAt }: ProcessId, other: ProcessId): boolean {
  return pid === other.pid && startedAt === other.startedAt
}

/** undefined if it is gone, or there is no /proc. */
export function processIdOf(pid: number): ProcessId | undefined {
  try {
    const found = parseStat(pid, readFileSync(`/proc/${pid}/stat`, "latin1"))
    return found && { pid, startedAt: found.startedAt }
  } catch {
    return undefined
  }
}

/** False once it has ended, also while its parent has not yet asked for its end. */
export function isAlive(id: ProcessId): boolean {
  try {
    const found = parseStat(id.pid, readFileSync(`/proc/${id.pid}/stat`, "latin1"))
    return found !== undefined && isProcess(found, id) && !"ZX".includes(found.state)
  } catch {
    return false
  }
}

/**
 * TERM, then KILL to what is left after `graceMs`. True once none of it runs; false if something
 * outlives even KILL, or `signal` aborts.
 */
export async function endSession(
  leader: number,
  graceMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  await signalSession(leader, "SIGTERM")
  if (await isGone(leader, graceMs, signal)) return true
  if (signal?.aborted) return false
  await signalSession(leader, "SIGKILL")
  return isGone(leader, 2000, signal)
}

/** Every process that can be seen; empty where there is no /proc. */
export async function processes(): Promise<readonly Process[]> {
  const names = await readdir("/proc").catch(() => [])
  const pids = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(inspect))
  return found.filter((one) => one !== undefined)
}

/** Of `starttime`, counted from the state on. */
const startField = 19

/**
 * `pid (name) state ppid pgrp session …`: the name may hold spaces and parentheses, so count from
 * the last one.
 */
async function inspect(pid: number): Promise<Process | undefined> {
  // It may be gone since it was listed.
  return parseStat(pid, await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""))
}

function parseStat(pid: number, stat: string): Process | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [state, , group, session] = fields
  return state === undefined || session === undefined
    ? undefined
    : {
        pid,
        state,
        group: Number(group),
        session: Number(session),
        startedAt: Number(fields[startField]),
      }
}

async function membersOf(leader: number): Promise<readonly Process[]> {
  return (await processes()).filter((one) => one.session === leader)
}

async function signalSession(leader: number, signal: NodeJS.Signals): Promise<void> {
  const groups = new Set([leader, ...(await membersOf(leader)).map((one) => one.group)])
  for (const group of groups) signalGroup(group, signal)
}

/** False if there is no such group. Ids below 2 mean other things to kill(2): refused. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  if (!Number.isInteger(group) || group < 2) return false
  try {
    process.kill(-group, signal)
    return true
  } catch (error) {
    return systemCode(error) !== "ESRCH"
  }
}

async function isGone(
  leader: number,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const watch = beginStopwatch()
  try {
    for (let pauseMs = 10; await lives(leader); pauseMs = Math.min(pauseMs * 2, 100)) {
      if (watch.ms() >= withinMs || signal?.aborted === true) return false
      await Bun.sleep(pauseMs)
    }
    return true
  } finally {
    watch.end()
  }
}

/**
 * Zombies do not count: if no process reaps orphans (we may be process 1 of a container) they stay
 * for ever.
 */
async function lives(leader: number): Promise<boolean> {
  const members = await membersOf(leader)
  return members.length === 0 ? signalGroup(leader, 0) : members.some((one) => one.state !== "Z")
}
