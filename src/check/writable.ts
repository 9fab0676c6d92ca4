import { systemCode } from "../base/error.ts"
import { diskOf } from "../base/files/disk.ts"
import { roomOf } from "../record/room.ts"
import type { Me } from "./self-tests/path-stat.ts"
import { statOf } from "./self-tests/path-stat.ts"

/**
 * Whether anything can be written in a folder, without writing there. `EROFS`: also root is told of
 * a read-only file system.
 */
export type Unwritable =
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "full"; readonly free: number; readonly need: number }

/** Of a new file, a page for its data; of its folder, perhaps one more. */
const pageBytes = 4096

/** undefined where `bytes` more can be written there, as far as a look can tell. */
export async function unwritable(folder: string, bytes: number): Promise<Unwritable | undefined> {
  try {
    await (await diskOf(folder)).mayWriteIn(folder)
  } catch (error) {
    const code = systemCode(error)
    return code === undefined ? undefined : { kind: "refused", code }
  }
  const found = await roomOf(folder)
  // Some file systems count neither blocks nor files.
  if (found === undefined) return undefined
  const need = Math.ceil(Math.max(bytes, 1) / pageBytes) * pageBytes
  const free = found.blocks === 0 ? need : found.bavail * found.bsize
  const isOutOfFiles = found.files > 0 && found.ffree === 0
  return free < need || isOutOfFiles ? { kind: "full", free, need } : undefined
}

/**
 * Whether the refusal is one that mycelium would get, too: it runs as the owner of its store. Of a
 * read-only file system everybody is told.
 */
export function isOurs({ code }: { readonly code: string }, store: string, me: Me): boolean {
  const owner = statOf(store)?.uid
  return code === "EROFS" || owner === undefined || owner === me.uid
}

export function inKib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`
}
