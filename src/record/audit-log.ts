import {
  type Stats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from "node:fs"
import { syncFolder } from "../base/files/durable-folder.ts"
import { durableAppend } from "../base/files/durable-write.ts"
import { AppError, systemCode } from "../base/error.ts"
import { lineHash, noHead } from "../core/audit-line.ts"
import type { AuditTail } from "../core/state.ts"
import { irregular, segmentsOf } from "./audit-segments.ts"
import { type StateKey, stateFolder } from "./state-file.ts"

/**
 * One append-only log an environment: JSON lines, each with the hash of the one before. Never a
 * value.
 */

/** The part that is written to; what is full lies in segments (audit-segments.ts). */
export function auditPath(place: StateKey): string {
  return `${stateFolder(place)}/${place.environment}${ending}`
}
const ending = ".audit.jsonl"

/**
 * Every environment of a project that has such a part, by one look at their folder; undefined where
 * it cannot be listed.
 */
export function environmentsWithLog(
  place: Pick<StateKey, "store" | "project">,
): ReadonlySet<string> | undefined {
  try {
    return new Set(
      readdirSync(stateFolder(place)).flatMap((name) =>
        name.endsWith(ending) ? [name.slice(0, -ending.length)] : [],
      ),
    )
  } catch {
    return undefined
  }
}

/**
 * What the end of the log says. `exists` and `torn` are of the part that is written to; `bytes` its
 * size.
 */
export type LogEnd = {
  readonly count: number
  readonly serial: number
  readonly head: string
  readonly torn: boolean
  readonly exists: boolean
  readonly bytes: number
}

/** A line has a few hundred bytes; where the last ones hold no whole line, more are read. */
const tailBytes = [4 * 1024, 64 * 1024] as const
const peekedBytes = 1024

/**
 * Reads the last whole line. A torn one after it (a crash in an append) is closed by the next
 * append, no alarm.
 */
export async function readLogEnd(place: StateKey): Promise<LogEnd> {
  try {
    const active = await readTail(auditPath(place))
    const last = active?.line ?? (await lastOfSegments(place))
    return {
      ...(numbersOf(last ?? "") ?? { count: 0, serial: 0 }),
      head: last === undefined ? noHead : lineHash(last),
      torn: active?.torn ?? false,
      exists: active !== undefined,
      bytes: active?.bytes ?? 0,
    }
  } catch (error) {
    throw logError(place, error, "read")
  }
}

/**
 * The numbers of the last line alone, by few system calls: for the one who looks at thousands of
 * logs. Undefined where the whole way of `readLogEnd` has to say it.
 */
export function peekLogEnd(place: StateKey): Pick<LogEnd, "count" | "serial"> | undefined {
  const opened = openIfThere(auditPath(place))
  if (opened === undefined) return undefined
  try {
    const { line } = endOf(opened.file, opened.size, peekedBytes)
    return line === undefined ? undefined : numbersOf(line)
  } finally {
    closeSync(opened.file)
  }
}

async function lastOfSegments(place: StateKey): Promise<string | undefined> {
  const last = (await segmentsOf(place)).at(-1)
  return last === undefined ? undefined : (await readTail(last.path))?.line
}

type Tail = { readonly line: string | undefined; readonly torn: boolean; readonly bytes: number }

/**
 * The last whole line of a file; undefined where there is no file. A line that lacks nothing but
 * its end is whole.
 */
export async function readTail(path: string): Promise<Tail | undefined> {
  const opened = openIfThere(path)
  if (opened === undefined) return undefined
  const { file, size } = opened
  try {
    const [few, many] = tailBytes
    const tail = endOf(file, size, few)
    return tail.line === undefined && size > few ? endOf(file, size, many) : tail
  } finally {
    closeSync(file)
  }
}

function endOf(file: number, size: number, most: number): Tail {
  const from = Math.max(0, size - most)
  const buffer = Buffer.alloc(size - from)
  const lines = buffer
    .subarray(0, readSync(file, buffer, 0, size - from, from))
    .toString()
    .split("\n")
  return {
    line: lines.findLast((line) => numbersOf(line) !== undefined),
    torn: lines.at(-1) !== "",
    bytes: size,
  }
}

type Opened = { readonly file: number; readonly size: number }

function openIfThere(path: string): Opened | undefined {
  try {
    return regular(
      path,
      openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
    )
  } catch (error) {
    const code = systemCode(error)
    if (code === "ENOENT") return undefined
    throw code === "ELOOP" ? irregular(path, "a symbolic link, which is not followed") : error
  }
}

/** A pipe in its place would block its reader, and all environments with it. */
function regular(path: string, file: number): Opened {
  const stats: Stats = fstatSync(file)
  if (stats.isFile()) return { file, size: stats.size }
  closeSync(file)
  throw irregular(path, "not a regular file")
}

/** The size of the part that is written to; 0 where there is none. */
export function logBytes(place: StateKey): number {
  return statSync(auditPath(place), { throwIfNoEntry: false })?.size ?? 0
}

function numbersOf(line: string): { readonly count: number; readonly serial: number } | undefined {
  // What follows the last line break, each time: no error is made for that.
  if (line === "") return undefined
  try {
    const parsed = JSON.parse(line) as { readonly n?: unknown; readonly serial?: unknown }
    return typeof parsed.n === "number" && typeof parsed.serial === "number"
      ? { count: parsed.n, serial: parsed.serial }
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Appends the lines that ride in the state and are not yet in the log; one fsync. Returns the new
 * end.
 */
export async function appendToLog(place: StateKey, tail: AuditTail, end: LogEnd): Promise<LogEnd> {
  const first = tail.count - tail.lines.length + 1
  const missing = tail.lines.filter((_, index) => first + index > end.count)
  if (missing.length === 0) return end
  const text = `${end.torn ? "\n" : ""}${missing.join("\n")}\n`
  try {
    await durableAppend(auditPath(place), text)
    if (!end.exists) await syncFolder(stateFolder(place))
  } catch (error) {
    throw logError(place, error)
  }
  return {
    count: tail.count,
    serial: end.serial,
    head: tail.head,
    torn: false,
    exists: true,
    bytes: end.bytes + Buffer.byteLength(text),
  }
}

function logError(place: StateKey, error: unknown, act: "read" | "write" = "write"): AppError {
  // It says better what to do.
  if (error instanceof AppError) return error
  return new AppError(
    "audit-unwritable",
    `cannot ${act} the audit log ${auditPath(place)}: ${systemCode(error) ?? "unknown error"}`,
    {
      remedy: "retry",
      hint: "without a log nothing is rotated: free some space, or correct its owner and mode",
    },
  )
}
