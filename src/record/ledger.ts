import { settleFolder } from "../base/durable-write.ts"
import { AppError } from "../base/error.ts"
import type { StateDocument } from "../core/state.ts"
import { type LogEnd, appendToLog, readLogEnd } from "./audit-log.ts"
import { type Place, blankState, checkMac, readState, stateFolder, statePath, writeState } from "./state-file.ts"

/** The durable state and the log of one environment, for the one who holds its lock. */
export class FileLedger {
  readonly #place: Place
  readonly #mac: Buffer
  readonly #newId: () => string
  #serial = 0
  #end: LogEnd | undefined

  constructor(place: Place, mac: Buffer, newId: () => string) {
    this.#place = place
    this.#mac = mac
    this.#newId = newId
  }

  /** Reads and checks: the MAC, and that the log does not know a younger state. What it answers lasts: a run that was killed right after its rename had not yet synced it. */
  async load(): Promise<StateDocument> {
    await settleFolder(stateFolder(this.#place))
    const document = await readState(this.#place)
    const end = await readLogEnd(this.#place)
    this.#end = end
    if (document !== undefined) checkMac(this.#place, document, this.#mac)
    const serial = document?.serial ?? 0
    if (end.serial > serial) {
      throw new AppError("state-older", document === undefined ? `${statePath(this.#place)} is missing, but its audit log knows of it` : `${statePath(this.#place)} is older than its audit log`, {
        hint: "a backup was restored, or the file was lost: put the newest copy of the state back; if there is none, move this state and its audit log aside together, and take over the values that live with mycelium adopt",
      })
    }
    this.#serial = serial
    return document ?? blankState(this.#place, this.#newId())
  }

  async save(next: StateDocument): Promise<void> {
    if (next.serial !== this.#serial + 1) throw new AppError("internal", "the state was saved out of order")
    await writeState(this.#place, next, this.#mac)
    this.#serial = next.serial
  }

  async flush(document: StateDocument): Promise<void> {
    if (document.audit.lines.length === 0) return
    this.#end = await appendToLog(this.#place, document.audit, this.#end ?? (await readLogEnd(this.#place)))
  }
}
