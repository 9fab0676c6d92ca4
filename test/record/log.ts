import { readFileSync, writeFileSync } from "node:fs"
import { type AuditEvent, appendLine, lineHash, noHead } from "../../src/core/audit-line.ts"
import type { AuditTail } from "../../src/core/state.ts"
import { appendToLog, auditPath, readLogEnd } from "../../src/record/audit-log.ts"
import { closeSegment, segmentsOf } from "../../src/record/audit-segments.ts"
import { readLog } from "../../src/record/audit-read.ts"
import { type StateKey, makeStateFolder } from "../../src/record/state-file.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/** A log on a real disk, as the ledger writes it: what rides in the state, and what is in the file. */
export class Log implements AsyncDisposable {
  readonly place: StateKey
  readonly #dispose: () => Promise<void>
  tail: AuditTail = { count: 0, head: noHead, lines: [] }

  constructor(place: StateKey, dispose: () => Promise<void>) {
    this.place = place
    this.#dispose = dispose
  }
  static async open(): Promise<Log> {
    const folder = await temporaryFolder()
    const place = { store: folder.path, project: "shop", environment: "production" }
    await makeStateFolder(place)
    return new Log(place, async () => folder[Symbol.asyncDispose]())
  }

  /** One more line that rides in the state. */
  ride(event: AuditEvent = { event: "tick" }): string {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, this.tail.count))
    this.tail = appendLine(this.tail, event, {
      at,
      serial: this.tail.count + 1,
      actor: { user: "anna", via: "test" },
    })
    return this.tail.lines.at(-1) ?? ""
  }
  /** What rides goes to the log. */
  async flush(): Promise<void> {
    await appendToLog(this.place, this.tail, await readLogEnd(this.place))
    this.tail = { ...this.tail, lines: [] }
  }
  async write(lines: number): Promise<void> {
    for (let left = lines; left > 0; left--) this.ride()
    await this.flush()
  }
  async close(): Promise<void> {
    await closeSegment(this.place, auditPath(this.place), this.tail.count)
  }
  async numbers(): Promise<readonly (number | undefined)[]> {
    const found: (number | undefined)[] = []
    for await (const { entry } of readLog(this.place)) found.push(entry?.n)
    return found
  }

  /** The files of the log, the oldest first. */
  async files(): Promise<readonly string[]> {
    return [...(await segmentsOf(this.place)).map(({ path }) => path), auditPath(this.place)]
  }
  lines(path: string): readonly string[] {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "")
  }
  edit(path: string, change: (lines: string[]) => readonly string[]): void {
    writeFileSync(
      path,
      change([...this.lines(path)])
        .map((line) => `${line}\n`)
        .join(""),
    )
  }
  /** The head of each line, as verify would print it after it. */
  async heads(): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
    const heads = new Map<number, ReadonlySet<string>>()
    for await (const { line, entry } of readLog(this.place))
      heads.set(entry?.n ?? 0, new Set([lineHash(line)]))
    return heads
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose()
  }
}
