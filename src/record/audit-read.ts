import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"
import { systemCode } from "../base/error.ts"
import { lineHash, noHead } from "../core/audit-line.ts"
import type { AuditTail } from "../core/state.ts"
import { auditPath } from "./audit-log.ts"
import type { Place } from "./state-file.ts"

export type AuditEntry = { readonly n: number; readonly at: string; readonly event: string; readonly user: string; readonly via: string; readonly serial: number } & Readonly<Record<string, unknown>>

/** The whole lines of a log, the oldest first; text that no append finished is passed over. */
export async function* readLog(place: Place): AsyncGenerator<{ readonly line: string; readonly entry: AuditEntry | undefined }> {
  try {
    for await (const line of createInterface({ input: createReadStream(auditPath(place)), crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line !== "") yield { line, entry: parse(line) }
    }
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error
  }
}

function parse(line: string): AuditEntry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<AuditEntry>
    return typeof entry.n === "number" && typeof entry.at === "string" && typeof entry.event === "string" ? (entry as AuditEntry) : undefined
  } catch {
    return undefined
  }
}

export type Verified = { readonly lines: number; readonly torn: number; readonly head: string; readonly faults: readonly string[] }

/**
 * Follows the chain from the first line to what the state knows. Finds an edited, removed, inserted or swapped line and a
 * cut tail; who can write both the log and the MACed state can forge both: only heads kept elsewhere show that.
 */
export async function verifyLog(place: Place, known: AuditTail | undefined, heads: ReadonlyMap<number, string>): Promise<Verified> {
  const faults: string[] = []
  let head = noHead
  let count = 0
  let torn = 0
  for await (const { line, entry } of readLog(place)) {
    if (entry === undefined) {
      // A crash in an append leaves part of a line, and the whole line comes again right after it.
      torn++
      continue
    }
    if (entry.n !== count + 1) faults.push(`line ${count + 1} is missing: after ${count} comes ${entry.n}`)
    else if (entry["prev"] !== head) faults.push(`line ${entry.n} does not follow from the one before: ${count === 0 ? "the beginning" : `line ${count} or ${entry.n}`} was changed`)
    count = entry.n
    head = lineHash(line)
    const kept = heads.get(count)
    if (kept !== undefined && kept !== head) faults.push(`line ${count} is not the one whose head was kept`)
  }
  for (const n of heads.keys()) if (n > count) faults.push(`the log ends at line ${count}, but the head of line ${n} was kept: its tail was cut off`)
  if (known !== undefined) {
    const written = known.count - known.lines.length
    if (count < written) faults.push(`the log ends at line ${count}, but the state knows of ${written}: its tail was cut off`)
    else if (count === known.count && head !== known.head) faults.push(`the last line is not the one that the state knows`)
  }
  return { lines: count, torn, head, faults }
}
