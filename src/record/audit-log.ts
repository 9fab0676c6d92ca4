import { constants } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import { syncFolder } from "../base/durable-write.ts"
import { AppError, systemCode } from "../base/error.ts"
import type { AuditTail } from "../core/state.ts"
import { type Place, stateFolder } from "./state-file.ts"

/** One append-only log an environment: JSON lines, each with the hash of the one before. Never a value. */

export function auditPath(place: Place): string {
  return join(stateFolder(place), `${place.environment}.audit.jsonl`)
}

/** What the end of the log says. */
export type LogEnd = { readonly count: number; readonly serial: number; readonly torn: boolean; readonly exists: boolean }

const tailBytes = 64 * 1024

/** Reads the last whole line. A torn one after it (a crash in an append) is closed by the next append, no alarm. */
export async function readLogEnd(place: Place): Promise<LogEnd> {
  const file = await open(auditPath(place), constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined
    throw logError(place, error)
  })
  if (file === undefined) return { count: 0, serial: 0, torn: false, exists: false }
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - tailBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const text = buffer.subarray(0, bytesRead).toString()
    const lines = text.split("\n")
    const torn = lines.pop() !== ""
    for (const line of lines.reverse()) {
      const numbers = numbersOf(line)
      if (numbers !== undefined) return { ...numbers, torn, exists: true }
    }
    return { count: 0, serial: 0, torn, exists: true }
  } finally {
    await file.close()
  }
}

function numbersOf(line: string): { readonly count: number; readonly serial: number } | undefined {
  try {
    const parsed = JSON.parse(line) as { readonly n?: unknown; readonly serial?: unknown }
    return typeof parsed.n === "number" && typeof parsed.serial === "number" ? { count: parsed.n, serial: parsed.serial } : undefined
  } catch {
    return undefined
  }
}

/** Appends the lines that ride in the state and are not yet in the log; one fsync. Returns the new end. */
export async function appendToLog(place: Place, tail: AuditTail, end: LogEnd): Promise<LogEnd> {
  const first = tail.count - tail.lines.length + 1
  const missing = tail.lines.filter((_, index) => first + index > end.count)
  if (missing.length === 0) return end
  try {
    const file = await open(auditPath(place), constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
    try {
      await file.appendFile(`${end.torn ? "\n" : ""}${missing.join("\n")}\n`)
      await file.datasync()
    } finally {
      await file.close()
    }
    if (!end.exists) await syncFolder(stateFolder(place))
  } catch (error) {
    throw logError(place, error)
  }
  return { count: tail.count, serial: end.serial, torn: false, exists: true }
}

function logError(place: Place, error: unknown): AppError {
  return new AppError("audit-unwritable", `cannot write the audit log ${auditPath(place)}: ${systemCode(error) ?? "unknown error"}`, { remedy: "retry", hint: "without a log nothing is rotated: free some space, or mend its owner and mode" })
}
