import type { Stats } from "node:fs"
import { basename, dirname } from "node:path"
import { appendFlags, slow } from "./disk.ts"
import { type FileOptions, draftName, writeDraft } from "./draft-file.ts"
import { syncOf } from "./durable-folder.ts"
import { AppError, systemCode } from "../error.ts"
import { linkError, writeError } from "./file-errors.ts"
import { openFolder } from "./folder.ts"
import { refuseSticky } from "./ownership.ts"
import { type Spot, refuseLinked, spotOf } from "./read-regular.ts"

/**
 * Files are replaced, never edited: a private draft beside the target is synced and renamed, and
 * the folder is synced.
 */

export interface DraftFile {
  /** Renames the draft onto the target; durable when resolved. */
  commit(): Promise<void>
  discard(): Promise<void>
}
/** `mayRead` throws where this process may not read the draft again. */
export type Replacement = DraftFile & { mayRead(): Promise<void> }

/**
 * Writes and syncs a draft of `target`, private from its first instant; owner and mode are set
 * before it is visible. Its folder is held until the draft is committed or discarded.
 */
export async function draftFile(
  target: string,
  bytes: Uint8Array | string,
  options: FileOptions = {},
): Promise<Replacement> {
  const spot = await spotToWrite(target)
  const { folder, name } = spot
  let made: Stats
  try {
    const present = await folder.disk.statPath(folder.at(name))
    refuseOddTarget(target, present)
    refuseSticky(spot, [present?.uid, options.uid])
    made = await writeDraft(spot, bytes, options)
  } catch (error) {
    await folder[Symbol.asyncDispose]()
    throw writeError(target, error)
  }
  let held = true
  const letGo = async (): Promise<void> => {
    if (held) await folder[Symbol.asyncDispose]()
    held = false
  }
  return {
    commit: async () => {
      await commit(spot, made)
      await letGo()
    },
    discard: async () => {
      if (held) await removeDraftIn(spot)
      await letGo()
    },
    mayRead: async () => folder.disk.mayRead(folder.at(draftName(name))),
  }
}

async function commit(spot: Spot, made: Stats): Promise<void> {
  const { target, folder, name } = spot
  try {
    await refuseMoved(spot)
    await slow.rename(folder.at(draftName(name)), folder.at(name))
    await refuseSwapped(spot, made)
    await syncOf(folder)
  } catch (error) {
    throw writeError(target, error)
  }
}

async function spotToWrite(target: string): Promise<Spot> {
  try {
    return await spotOf(target)
  } catch (error) {
    throw writeError(target, error)
  }
}

/** Another user who can move the folder away could let us write where no one looks. */
export async function refuseMoved({ target, folder }: Spot): Promise<void> {
  if (!folder.isHeld) return
  await using now = await openFolder(dirname(target)).catch((error: unknown) => {
    throw error instanceof AppError ? error : swapped(target, "its folder was moved away")
  })
  if (now.stats.ino !== folder.stats.ino || now.stats.dev !== folder.stats.dev)
    throw swapped(target, "its folder was moved away")
}

/**
 * Anyone who can write in the folder could put something else in the draft's place, even with the
 * same inode number once the draft is gone.
 */
async function refuseSwapped({ target, folder, name }: Spot, made: Stats): Promise<void> {
  if (folder.keeper === "ours") return
  const now = await folder.disk.statPath(folder.at(name))
  const same =
    now?.ino === made.ino &&
    now.dev === made.dev &&
    now.uid === made.uid &&
    now.size === made.size &&
    now.mtimeMs === made.mtimeMs
  if (!same) throw swapped(target, "something else was put in the place of its draft")
}

function swapped(target: string, message: string): AppError {
  return new AppError("write-failed", `cannot write ${target}: ${message} meanwhile`, {
    remedy: "retry",
    hint: "another user can write in its folder: see who does, then try again",
  })
}

/** Replaces `target` as a whole; durable when resolved. */
export async function durableWrite(
  target: string,
  bytes: Uint8Array | string,
  options: FileOptions = {},
): Promise<void> {
  await (await draftFile(target, bytes, options)).commit()
}

/**
 * Appends to a file, made private where there is none; its content is durable when resolved. Throws
 * the system's error.
 */
export async function durableAppend(path: string, text: string): Promise<void> {
  await using folder = await openFolder(dirname(path))
  const { disk } = folder
  const file = await disk.open(folder.at(basename(path)), appendFlags)
  try {
    if (folder.keeper !== "ours")
      await refuseLinked({ target: path, folder, name: basename(path) }, await disk.stat(file))
    await disk.write(file, Buffer.from(text))
    await slow.dataSync(file)
  } finally {
    await disk.close(file)
  }
}

/** Removes what a crash left under the draft's name. */
export async function removeDraft(target: string): Promise<void> {
  await inFolderOf(target, removeDraftIn)
}

async function removeDraftIn({ target, folder, name }: Spot): Promise<void> {
  try {
    await folder.disk.unlink(folder.at(draftName(name)))
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw writeError(target, error)
  }
}

/** Deletes `target`, durably; does nothing if it is not there. */
export async function durableRemove(target: string): Promise<void> {
  await inFolderOf(target, async ({ folder, name }) => {
    try {
      await folder.disk.unlink(folder.at(name))
      await syncOf(folder)
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw writeError(target, error)
    }
  })
}

/** Does nothing if there is no folder. */
async function inFolderOf(target: string, act: (spot: Spot) => Promise<void>): Promise<void> {
  let spot: Spot
  try {
    spot = await spotOf(target)
  } catch (error) {
    if (systemCode(error) === "ENOENT") return
    throw writeError(target, error)
  }
  await using folder = spot.folder
  await act({ ...spot, folder })
}

function refuseOddTarget(target: string, stats: Stats | undefined): void {
  if (stats?.isSymbolicLink() === true) throw linkError(target)
  if (stats !== undefined && !stats.isFile())
    throw new AppError("file-irregular", `${target} is not a regular file`)
}
