import { join } from "node:path"
import { durableWrite } from "../base/files/durable-write.ts"
import { readRegular } from "../base/files/read-regular.ts"
import { type StateKey, stateFolder } from "./state-file.ts"

/** Which head of a log has left the machine last, beside the log: `<environment>.audit.sent`. */

export type Head = { readonly n: number; readonly head: string }
export type Sent = {
  readonly last?: Head & { readonly at: string }
  /** Why the newest one has not left. */
  readonly failed?: { readonly at: string; readonly code: string; readonly message: string }
}

function sentPath(place: StateKey): string {
  return join(stateFolder(place), `${place.environment}.audit.sent`)
}

/** What cannot be read counts as never sent: a head that is sent twice does no harm. */
export async function readSent(place: StateKey): Promise<Sent> {
  try {
    const found = await readRegular(sentPath(place), 64 * 1024)
    const parsed: unknown =
      found === undefined ? {} : JSON.parse(Buffer.from(found.bytes).toString())
    return typeof parsed === "object" && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}

export async function writeSent(place: StateKey, sent: Sent): Promise<void> {
  await durableWrite(sentPath(place), `${JSON.stringify(sent)}\n`)
}
