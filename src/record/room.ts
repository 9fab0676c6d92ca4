import type { StatsFs } from "node:fs"
import { AppError } from "../base/error.ts"
import { diskOf } from "../base/files/disk.ts"
import { filesMost } from "../base/files/reserve.ts"

/**
 * What an act may still have to write: a state that has grown by `grows` bytes, `writes`
 * times.
 */
export type Need = { readonly grows: number; readonly writes: number }

/** Each file ends in a block of its own. */
const blockBytes = 4096

/** What that takes on a disk, for a state that has this size now. */
export function bytesFor(size: number, need: Need): number {
  return Math.ceil((size + need.grows) / blockBytes) * blockBytes * writesOf(need)
}

/** Beyond this number the room that each write frees again has to do. */
export function writesOf({ writes }: Need): number {
  return Math.min(writes, filesMost)
}

/**
 * What this user may still write on the disk of a folder; undefined where the file system does not
 * tell.
 */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const found = await roomOf(folder)
  return found === undefined || found.blocks === 0 ? undefined : found.bavail * found.bsize
}

/** As the file system of a folder tells it; undefined where it cannot be asked. */
export async function roomOf(folder: string): Promise<StatsFs | undefined> {
  try {
    return await (await diskOf(folder)).room(folder)
  } catch {
    return undefined
  }
}

export function noRoom(folder: string, bytes: number, cause?: unknown): AppError {
  if (cause instanceof AppError && !/ENOSPC|EDQUOT/.test(cause.message)) return cause
  return new AppError(
    "disk-full",
    `the disk of ${folder} has no room for what a rotation writes: ${Math.ceil(bytes / 1024)} KiB`,
    { remedy: "retry", hint: "free some space on that disk; nothing was changed" },
  )
}
