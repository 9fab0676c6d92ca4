import { join } from "node:path"
import { durableWrite } from "../base/files/durable-write.ts"
import { readRegular } from "../base/files/read-regular.ts"
import type { Notice, Told } from "./notice.ts"

/**
 * What receivers were told, and what they have still to be told: a file of its own, because a state
 * that cannot be written is what most needs telling.
 */

export type OwedNotice = {
  readonly receiver: string
  readonly notice: Notice
  readonly tries: number
}

export type Notices = {
  readonly format: 1
  /** By receiver and environment ("" for the service itself): what they know is wrong. */
  readonly told: Readonly<Record<string, Readonly<Record<string, readonly Told[]>>>>
  readonly owed: readonly OwedNotice[]
}

export const noNotices: Notices = { format: 1, told: {}, owed: [] }

export class NoticeFile {
  readonly #path: string

  /** `folder`: that of the project's states. */
  constructor(folder: string) {
    this.#path = join(folder, "notices")
  }

  /** What cannot be read is as if nothing was ever told: better told twice than never. */
  async read(): Promise<Notices> {
    try {
      const found = await readRegular(this.#path)
      if (found === undefined) return noNotices
      const written: unknown = JSON.parse(new TextDecoder().decode(found.bytes))
      return isNotices(written) ? written : noNotices
    } catch {
      return noNotices
    }
  }

  async write(notices: Notices): Promise<void> {
    await durableWrite(this.#path, `${JSON.stringify(notices)}\n`, { mode: 0o600 })
  }
}

function isNotices(value: unknown): value is Notices {
  return (
    typeof value === "object" &&
    value !== null &&
    "format" in value &&
    value.format === 1 &&
    "told" in value &&
    typeof value.told === "object" &&
    value.told !== null &&
    "owed" in value &&
    Array.isArray(value.owed)
  )
}
