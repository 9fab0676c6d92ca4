import type { Stats } from "node:fs"
import { mkdir, rmdir } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { appendFlags, type Disk, diskOf, draftFlags, folderFlags, slow } from "./disk.ts"
import { AppError, systemCode } from "../error.ts"
import { linkError, ownerError, writeError } from "./file-errors.ts"
import { type Folder, openFolder } from "./folder.ts"
import { type Regular, type Spot, refuseLinked, spotOf } from "./read-regular.ts"
import { hasRight } from "./rights.ts"

export { type Regular, readRegular } from "./read-regular.ts"
export { writeError } from "./file-errors.ts"

/**
 * Files are replaced, never edited: a private draft beside the target, synced, renamed, the folder
 * synced.
 */

export type FileOptions = {
  /** Permission bits; 0o600 if left out. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /**
   * To see whether it can be written: it is discarded, so it need not be synced. A full disk is
   * told by the write, or the close.
   */
  readonly trial?: boolean
}

/**
 * Of a file that is replaced for its owner: root leaves it theirs, unless another than they could
 * have put it there.
 */
export function keeping(found: Regular | undefined): FileOptions {
  if (found === undefined || !hasRight("chown")) return {}
  const { keeper, stats } = found
  return keeper === "ours" || keeper === stats.uid ? { uid: stats.uid, gid: stats.gid } : {}
}

/** The draft of a target has a known name, so that one left by a crash is found and removed. */
export function draftPath(target: string): string {
  return join(dirname(target), draftName(basename(target)))
}

export function draftName(name: string): string {
  return `.${name}.mycelium-draft`
}

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
      try {
        await refuseMoved(spot)
        await slow.rename(folder.at(draftName(name)), folder.at(name))
        await refuseSwapped(spot, made)
        await syncOf(folder)
      } catch (error) {
        throw writeError(target, error)
      }
      await letGo()
    },
    discard: async () => {
      if (held) await removeDraftIn(spot)
      await letGo()
    },
    mayRead: async () => folder.disk.mayRead(folder.at(draftName(name))),
  }
}

async function spotToWrite(target: string): Promise<Spot> {
  try {
    return await spotOf(target)
  } catch (error) {
    throw writeError(target, error)
  }
}

/** Anyone who can move the folder away could let us write where nobody looks. */
export async function refuseMoved({ target, folder }: Spot): Promise<void> {
  if (!folder.isHeld) return
  await using now = await openFolder(dirname(target)).catch((error: unknown) => {
    throw error instanceof AppError ? error : swapped(target, "its folder was moved away")
  })
  if (now.stats.ino !== folder.stats.ino || now.stats.dev !== folder.stats.dev)
    throw swapped(target, "its folder was moved away")
}

/**
 * Anyone who can write in the folder could put something else in the draft's place: of the same
 * number, once the draft is gone.
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

/** A new file under the draft's name, private, synced; nothing is left of it where that fails. */
export async function writeDraft(
  { target, folder, name }: Spot,
  bytes: Uint8Array | string,
  options: FileOptions = {},
): Promise<Stats> {
  const { disk } = folder
  const draft = folder.at(draftName(name))
  const file = await openDraft(disk, draft)
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

/** One that a crash left under that name goes. */
async function openDraft(disk: Disk, draft: string): Promise<number> {
  try {
    return await disk.open(draft, draftFlags)
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error
    await disk.unlink(draft)
    return disk.open(draft, draftFlags)
  }
}

async function unlinkQuietly(disk: Disk, path: string): Promise<void> {
  try {
    await disk.unlink(path)
  } catch {
    // The error that is under way says more.
  }
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

/** Deletes `target`, durably; nothing to do where it is not. */
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

/** Nothing to do where there is no folder. */
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

export async function syncFolder(folder: string): Promise<void> {
  await using opened = await openFolder(folder)
  await syncOf(opened)
}

export async function syncOf({ disk, self }: Folder): Promise<void> {
  const handle = await disk.open(self, folderFlags)
  try {
    await slow.sync(handle)
  } finally {
    await disk.close(handle)
  }
}

/**
 * Makes `folder` and those above it that are missing, private; durable when resolved. Every folder
 * above is synced, not only
 * what was made now: a run that was killed in here may have made them.
 */
export async function durableFolder(folder: string): Promise<void> {
  await makeFolders(folder)
  for (let above = dirname(folder); ; above = dirname(above)) {
    await settleFolder(above)
    if (above === dirname(above)) return
  }
}

/** Makes `folder` and those above it that are missing, private. */
export async function makeFolders(folder: string): Promise<void> {
  try {
    await (await openFolder(folder))[Symbol.asyncDispose]()
  } catch (error) {
    if (systemCode(error) !== "ENOENT" || folder === dirname(folder)) throw error
    await makeFolders(dirname(folder))
    await using above = await openFolder(dirname(folder))
    await mkdir(above.at(basename(folder)), { mode: 0o700 }).catch((failed: unknown) => {
      // Another run of ours made it at the same instant.
      if (systemCode(failed) !== "EEXIST") throw failed
    })
  }
}

/**
 * Syncs a folder in which an earlier run may have renamed a file just before it was killed. What
 * cannot be opened was not ours to change; some file systems sync no folders.
 */
export async function settleFolder(folder: string): Promise<void> {
  try {
    await syncFolder(folder)
  } catch (error) {
    if (
      !["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS", "EINVAL", "ENOTSUP"].includes(
        systemCode(error) ?? "",
      )
    )
      throw writeError(folder, error)
  }
}

/** The folder of an output, and the output itself where that is a folder of files. */
export async function settleOutput(target: string): Promise<void> {
  await settleFolder(dirname(target))
  if (!(await isFile(target))) await settleFolder(target)
}

/** What cannot be seen may be anything. */
async function isFile(path: string): Promise<boolean> {
  try {
    return (await (await diskOf(dirname(path))).statPath(path))?.isFile() === true
  } catch {
    return false
  }
}

/**
 * The group first, while the file is ours; its owner last, for what is another user's we may not
 * chmod. So nobody reads it by
 * the bits of the next owner before it is theirs, and the right to give files away (CAP_CHOWN) is
 * all that is needed.
 */
export async function setOwnership(
  disk: Disk,
  file: number,
  { uid, gid, mode }: FileOptions,
  target: string,
): Promise<void> {
  const now = uid === undefined && gid === undefined ? undefined : await disk.stat(file)
  const group = gid ?? now?.gid ?? 0
  if (now !== undefined && group !== now.gid)
    await give(disk, file, { uid: now.uid, gid: group }, target)
  await disk.chmod(file, mode ?? 0o600)
  if (now !== undefined && uid !== undefined && uid !== now.uid)
    await give(disk, file, { uid, gid: group }, target)
}

type Owner = { readonly uid: number; readonly gid: number }

async function give(disk: Disk, file: number, { uid, gid }: Owner, target: string): Promise<void> {
  try {
    await disk.chown(file, uid, gid)
  } catch (error) {
    throw ["EPERM", "EINVAL"].includes(systemCode(error) ?? "")
      ? ownerError(target, { uid, gid })
      : error
  }
}

/**
 * There each replaces their own files alone: without this, that would be found out by the rename.
 */
function refuseSticky({ target, folder }: Spot, owners: readonly (number | undefined)[]): void {
  const me = process.geteuid?.()
  if ((folder.stats.mode & 0o1000) === 0 || folder.stats.uid === me || hasRight("fowner")) return
  if (owners.every((uid) => uid === undefined || uid === me)) return
  throw new AppError(
    "write-failed",
    `cannot write ${target}: its folder is sticky, so nobody replaces a file of another user there`,
    {
      hint: "put it into a folder without the sticky bit (chmod -t)",
    },
  )
}

function refuseOddTarget(target: string, stats: Stats | undefined): void {
  if (stats?.isSymbolicLink() === true) throw linkError(target)
  if (stats !== undefined && !stats.isFile())
    throw new AppError("file-irregular", `${target} is not a regular file`)
}

/** Removes a folder if it is empty. */
export async function removeEmptyFolder(folder: string): Promise<void> {
  try {
    await using above = await openFolder(dirname(folder))
    await rmdir(above.at(basename(folder)))
  } catch {
    // It is not empty, or not there.
  }
}
