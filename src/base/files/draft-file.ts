import type { Stats } from "node:fs"
import { basename, dirname, join } from "node:path"
import { type Disk, draftFlags, slow } from "./disk.ts"
import { systemCode } from "../error.ts"
import { type Ownership, setOwnership } from "./ownership.ts"
import type { Spot } from "./read-regular.ts"

/** The private file beside a target that takes its place later. */

export type FileOptions = Ownership & {
  /**
   * To see whether it can be written: it is discarded, so it need not be synced. A full disk is
   * told by the write, or the close.
   */
  readonly trial?: boolean
}

export const draftEnding = ".mycelium-draft"

/** The draft of a target has a known name, so that one left by a crash is found and removed. */
export function draftPath(target: string): string {
  return join(dirname(target), draftName(basename(target)))
}

export function draftName(name: string): string {
  return `.${name}${draftEnding}`
}

/** A new file under the draft's name, private and synced; removed again if that fails. */
export async function writeDraft(
  { target, folder, name }: Spot,
  bytes: Uint8Array | string,
  options: FileOptions = {},
): Promise<Stats> {
  const { disk } = folder
  const draft = folder.at(draftName(name))
  const file = await openNew(disk, draft)
  try {
    await disk.write(file, Buffer.from(bytes))
    await setOwnership(disk, file, options, target)
    if (options.trial !== true) await slow.sync(file)
    return await disk.stat(file)
  } catch (error) {
    await unlinkQuietly(disk, draft)
    throw error
  } finally {
    await disk.close(file)
  }
}

/** A new file; one that a killed run left under that name goes. */
export async function openNew(disk: Disk, path: string): Promise<number> {
  try {
    return await disk.open(path, draftFlags)
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error
    await disk.unlink(path)
    return disk.open(path, draftFlags)
  }
}

async function unlinkQuietly(disk: Disk, path: string): Promise<void> {
  try {
    await disk.unlink(path)
  } catch {
    // The error that led here says more.
  }
}
