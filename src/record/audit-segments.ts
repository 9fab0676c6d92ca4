import { readdirSync, statSync } from "node:fs"
import { mkdir, rename } from "node:fs/promises"
import { join } from "node:path"
import { AppError } from "../base/error.ts"
import { removeEmptyFolder, syncFolder } from "../base/files/durable-folder.ts"
import { durableRemove } from "../base/files/durable-write.ts"
import { type StateKey, stateFolder } from "./state-file.ts"

/**
 * The parts of a log that are full: `<environment>.audit/to-<number of its last line>.jsonl`. The
 * chain of hashes goes on over them: the first line of a part holds the hash of the last one of the
 * part before.
 */
export type Segment = { readonly path: string; readonly last: number }

export function segmentFolder(place: StateKey): string {
  return join(stateFolder(place), `${place.environment}.audit`)
}

/** The oldest first. */
export async function segmentsOf(place: StateKey): Promise<readonly Segment[]> {
  const folder = segmentFolder(place)
  // Asked after every act, and most often there is none.
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return []
  const names = readdirSync(folder)
  const found = names.flatMap((name) => {
    const last = Number(/^to-(\d{10,15})\.jsonl$/.exec(name)?.[1])
    return Number.isSafeInteger(last) ? [{ path: join(folder, name), last }] : []
  })
  return found.sort((one, other) => one.last - other.last)
}

/** Of a part of a log: it is not our file. */
export function irregular(path: string, what: string): AppError {
  return new AppError("file-irregular", `${path} is ${what}`, {
    hint: "find out who can write in the store; move it away, and see what mycelium audit verify says",
  })
}

/**
 * One rename: whatever cuts it off, each line lies in one place. The next append makes the part
 * that is written to anew.
 */
export async function closeSegment(place: StateKey, path: string, last: number): Promise<void> {
  const folder = segmentFolder(place)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await rename(path, join(folder, `to-${String(last).padStart(10, "0")}.jsonl`))
  await syncFolder(folder)
  await syncFolder(stateFolder(place))
}

export async function removeSegments(place: StateKey, segments: readonly Segment[]): Promise<void> {
  for (const { path } of segments) await durableRemove(path)
  await removeEmptyFolder(segmentFolder(place))
}
