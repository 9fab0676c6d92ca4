import { settleFolder } from "../base/files/durable-folder.ts"
import { statSync } from "node:fs"
import { unreadHint } from "../base/files/file-errors.ts"
import { AppError, systemCode } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { Host } from "../base/system/host.ts"
import { removeNotes } from "../base/processes/program-notes.ts"
import { Reserve } from "../base/files/reserve.ts"
import { type StateDocument } from "../core/state.ts"
import { openSets } from "../core/change-set.ts"
import { bytesFor, freeBytes, noRoom, type Need, writesOf } from "./room.ts"
import { type Seen, lookSteadily } from "./steady-look.ts"
import { type Behind, olderThanLog } from "./older-than-log.ts"
import { type LogEnd, appendToLog, readLogEnd } from "./audit-log.ts"
import {
  lockPath,
  type StateKey,
  blankState,
  checkMac,
  readState,
  stateFolder,
  statePath,
  writeState,
} from "./state-file.ts"

function mayRestart(document: StateDocument): boolean {
  return openSets(document).length > 0 || document.acting?.again !== undefined
}

/** Beyond this size (bytes), the reserve is not written again if the disk has `plenty` times as much left. */
const muchBytes = 64 * 1024 * 1024
const plenty = 8

/** The durable state and the log of one environment, for the one who holds its lock. */
export class FileLedger {
  readonly #place: StateKey
  readonly #mac: Buffer
  readonly #newId: () => string
  readonly #reserve: Reserve
  #serial = 0
  /** By the state on the disk, a crash may leave a hook of which the next run asks. */
  #open = false
  #end: LogEnd | undefined

  constructor(place: StateKey, mac: Buffer, newId: () => string) {
    this.#place = place
    this.#mac = mac
    this.#newId = newId
    this.#reserve = new Reserve(statePath(place))
  }

  /** Beside the lock, and written by who holds it: which hooks are under way. */
  get hooksPath(): string {
    return `${lockPath(this.#place)}-hooks`
  }

  /**
   * Reads and checks: the MAC, and that the log does not know a younger state. What it answers
   * lasts: a run that was killed right after its rename had not yet synced it.
   */
  async load(): Promise<StateDocument> {
    const { document, behind } = await this.loadAny()
    if (behind === undefined) return document
    throw olderThanLog(this.#place, behind)
  }

  /**
   * The same, for one who finds out what is true: a state that is older than its log is given the
   * place after the log's end, where its next durable write goes on. Its own numbers are in
   * `behind`.
   */
  async loadAny(): Promise<{ readonly document: StateDocument; readonly behind?: Behind }> {
    // The disk is at its sync while the state is read.
    const [, found, end] = await Promise.all([
      settleFolder(stateFolder(this.#place)),
      readState(this.#place),
      readLogEnd(this.#place),
    ])
    this.#end = end
    if (found !== undefined) checkMac(this.#place, found, this.#mac)
    const document = found ?? blankState(this.#place, this.#newId())
    this.#open = mayRestart(document)
    this.#serial = Math.max(document.serial, end.serial)
    // Lines that do not ride in the state any more were durable in the log before that was written.
    const cut = end.count < document.audit.count - document.audit.lines.length
    if (end.serial <= document.serial && !cut) return { document }
    return {
      document: {
        ...document,
        serial: this.#serial,
        audit: { count: end.count, head: end.head, lines: [] },
      },
      behind: {
        serial: document.serial,
        logSerial: end.serial,
        lost: found === undefined,
        ...(cut ? { cut } : {}),
      },
    }
  }

  async save(next: StateDocument): Promise<void> {
    if (next.serial !== this.#serial + 1)
      throw new AppError("internal", "the state was saved out of order")
    await writeState(this.#place, next, { key: this.#mac, reserve: this.#reserve })
    this.#serial = next.serial
    const open = mayRestart(next)
    if (this.#open && !open) removeNotes(this.hooksPath)
    this.#open = open
  }

  async flush(document: StateDocument): Promise<void> {
    if (document.audit.lines.length === 0) return
    try {
      this.#end = await appendToLog(
        this.#place,
        document.audit,
        this.#end ?? (await readLogEnd(this.#place)),
      )
    } catch (error) {
      // What was reserved for the state makes room for the log; a part of the lines may be there.
      if (!(await this.#reserve.giveBack())) throw error
      this.#end = await readLogEnd(this.#place)
      await this.flush(document)
    }
  }

  /**
   * Room for the writes that an act still needs; throws where the disk has
   * not got it.
   */
  async reserve(need: Need): Promise<void> {
    const all = this.#roomFor(need)
    if (all > muchBytes && ((await freeBytes(stateFolder(this.#place))) ?? 0) > all * plenty) return
    try {
      await this.#reserve.take(this.#size + need.grows, writesOf(need))
    } catch (error) {
      throw noRoom(stateFolder(this.#place), all, error)
    }
  }

  /** The same, asked and not taken. */
  async demandRoom(need: Need): Promise<void> {
    const bytes = this.#roomFor(need)
    const free = await freeBytes(stateFolder(this.#place))
    if (free !== undefined && free < bytes) throw noRoom(stateFolder(this.#place), bytes)
  }

  async release(): Promise<void> {
    await this.#reserve.release()
  }

  /** Removes what a killed run had reserved, or noted of hooks. Under the lock only. */
  async tidy(): Promise<void> {
    if (!this.#open) removeNotes(this.hooksPath)
    await this.#reserve.tidy()
  }

  get #size(): number {
    const path = statePath(this.#place)
    try {
      return statSync(path, { throwIfNoEntry: false })?.size ?? 0
    } catch (error) {
      const code = systemCode(error) ?? "unknown error"
      throw new AppError("file-unreadable", `cannot read ${path}: ${code}`, {
        remedy: "retry",
        ...present({ hint: unreadHint(code) }),
      })
    }
  }

  #roomFor(need: Need): number {
    return bytesFor(this.#size, need)
  }
}

/**
 * The state and its log's end, checked, for one who does not hold the lock: a state that only seems
 * older is looked at again.
 */
export async function loadUnlocked(
  ledger: FileLedger,
  place: StateKey,
  { host, stop }: { readonly host: Pick<Host, "pause">; readonly stop?: AbortSignal },
): Promise<StateDocument> {
  const serial = async (): Promise<number | undefined> => (await readState(place))?.serial
  const found = await lookSteadily(
    { host, environment: place.environment, serial, ...present({ stop }) },
    async (): Promise<Seen<StateDocument | AppError>> => {
      try {
        return { value: await ledger.load() }
      } catch (error) {
        if (error instanceof AppError && error.code === "state-older")
          return { value: error, doubt: error.message }
        throw error
      }
    },
  )
  if (found instanceof AppError) throw found
  return found
}
