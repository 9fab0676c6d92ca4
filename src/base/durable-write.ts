import type { Stats } from "node:fs"
import { mkdir, rmdir } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { appendFlags, type Disk, diskOf, draftFlags, folderFlags, near, readFlags, slow } from "./disk.ts"
import { AppError, systemCode } from "./error.ts"

/** Files are replaced, never edited: a private draft beside the target, synced, renamed, the folder synced. */

export type FileOptions = {
  /** Permission bits; 0o600 if left out. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** To see whether it can be written: it is discarded, so it need not be synced. A full disk is told by the write, or the close. */
  readonly trial?: boolean
}

/** The draft of a target has a known name, so that one left by a crash is found and removed. */
export function draftPath(target: string): string {
  return join(dirname(target), `.${basename(target)}.mycelium-draft`)
}

export interface DraftFile {
  /** Renames the draft onto the target; durable when resolved. */
  commit(): Promise<void>
  discard(): Promise<void>
}

/** Writes and syncs a draft of `target`, private from its first instant; owner and mode are set before it is visible. */
export async function draftFile(target: string, bytes: Uint8Array | string, options: FileOptions = {}): Promise<DraftFile> {
  const draft = draftPath(target)
  try {
    refuseOddTarget(target, await (await diskOf(dirname(target))).look(target))
    await writeDraft(target, bytes, options)
  } catch (error) {
    throw writeError(target, error)
  }
  return {
    commit: async () => {
      try {
        await slow.rename(draft, target)
        await syncFolder(dirname(target))
      } catch (error) {
        throw writeError(target, error)
      }
    },
    discard: () => removeDraft(target),
  }
}

/** A new file under the draft's name, private, synced; nothing is left of it where that fails. */
export async function writeDraft(target: string, bytes: Uint8Array | string, options: FileOptions = {}): Promise<void> {
  const disk = await diskOf(dirname(target))
  const draft = draftPath(target)
  const file = await openDraft(disk, draft)
  try {
    await disk.write(file, Buffer.from(bytes))
    await setOwnership(disk, file, options)
    if (options.trial !== true) await slow.sync(file)
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
export async function durableWrite(target: string, bytes: Uint8Array | string, options: FileOptions = {}): Promise<void> {
  await (await draftFile(target, bytes, options)).commit()
}

/** Appends to a file, made private where there is none; its content is durable when resolved. Throws the system's error. */
export async function durableAppend(path: string, text: string): Promise<void> {
  const disk = await diskOf(dirname(path))
  const file = await disk.open(path, appendFlags)
  try {
    await disk.write(file, Buffer.from(text))
    await slow.dataSync(file)
  } finally {
    await disk.close(file)
  }
}

/** Removes what a crash left under the draft's name. */
export async function removeDraft(target: string): Promise<void> {
  try {
    await (await diskOf(dirname(target))).unlink(draftPath(target))
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw writeError(target, error)
  }
}

/** Deletes `target`, durably; nothing to do where it is not. */
export async function durableRemove(target: string): Promise<void> {
  try {
    await (await diskOf(dirname(target))).unlink(target)
  } catch (error) {
    if (systemCode(error) === "ENOENT") return
    throw writeError(target, error)
  }
  await syncFolder(dirname(target))
}

export type Regular = { readonly bytes: Uint8Array; readonly stats: Stats }

/** A file's bytes, its links not followed; undefined if there is none. Refuses what is no regular file, or larger than `limit` bytes. */
export async function readRegular(path: string, limit = 64 * 1024 * 1024): Promise<Regular | undefined> {
  const disk = await diskOf(dirname(path))
  try {
    return disk === near ? readNow(path, limit) : await readLater(disk, path, limit)
  } catch (error) {
    return absent(path, error)
  }
}

/** In one go: of thousands that are read side by side, one is open at a time. */
function readNow(path: string, limit: number): Regular {
  const file = near.open(path, readFlags)
  try {
    const stats = near.stat(file)
    refuseOdd(path, stats, limit)
    return { bytes: near.read(file), stats }
  } finally {
    near.close(file)
  }
}

async function readLater(disk: Disk, path: string, limit: number): Promise<Regular> {
  const file = await disk.open(path, readFlags)
  try {
    const stats = await disk.stat(file)
    refuseOdd(path, stats, limit)
    return { bytes: await disk.read(file), stats }
  } finally {
    await disk.close(file)
  }
}

/** Why a file could not be read: undefined where there is none. */
function absent(path: string, error: unknown): undefined {
  if (error instanceof AppError) throw error
  const code = systemCode(error)
  if (code === "ENOENT") return undefined
  if (code === "ELOOP") throw new AppError("file-is-link", `${path} is a symbolic link`, { hint: "name the file that it points to" })
  if (code === "ENXIO") throw new AppError("file-irregular", `${path} is not a regular file`)
  const hint = code === "ENOTDIR" || code === "ENAMETOOLONG" ? hints[code] : undefined
  throw new AppError("file-unreadable", `cannot read ${path}: ${code ?? "unknown error"}`, hint === undefined ? {} : { hint })
}

function refuseOdd(path: string, stats: Stats, limit: number): void {
  if (!stats.isFile()) throw new AppError("file-irregular", `${path} is not a regular file`)
  if (stats.size > limit) throw new AppError("file-too-large", `${path} is larger than ${limit} bytes`)
}

export async function syncFolder(folder: string): Promise<void> {
  const disk = await diskOf(folder)
  const handle = await disk.open(folder, folderFlags)
  try {
    await slow.sync(handle)
  } finally {
    await disk.close(handle)
  }
}

/**
 * Makes `folder` and those above it that are missing, private; durable when resolved. Every folder above is synced, not only
 * what was made now: a run that was killed in here may have made them.
 */
export async function durableFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (let above = dirname(folder); ; above = dirname(above)) {
    await settleFolder(above)
    if (above === dirname(above)) return
  }
}

/** Syncs a folder in which an earlier run may have renamed a file just before it was killed. What cannot be opened was not ours to change; some file systems sync no folders. */
export async function settleFolder(folder: string): Promise<void> {
  try {
    await syncFolder(folder)
  } catch (error) {
    if (!["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS", "EINVAL", "ENOTSUP"].includes(systemCode(error) ?? "")) throw writeError(folder, error)
  }
}

export async function setOwnership(disk: Disk, file: number, { uid, gid, mode }: FileOptions): Promise<void> {
  if (uid !== undefined || gid !== undefined) {
    const now = await disk.stat(file)
    if ((uid ?? now.uid) !== now.uid || (gid ?? now.gid) !== now.gid) await disk.chown(file, uid ?? now.uid, gid ?? now.gid)
  }
  await disk.chmod(file, mode ?? 0o600)
}

function refuseOddTarget(target: string, stats: Stats | undefined): void {
  if (stats?.isSymbolicLink() === true) throw new AppError("file-is-link", `${target} is a symbolic link`, { hint: "name the file that it points to" })
  if (stats !== undefined && !stats.isFile()) throw new AppError("file-irregular", `${target} is not a regular file`)
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "free some space on that disk; nothing was lost",
  EDQUOT: "the quota of this user is used up; nothing was lost",
  EROFS: "that file system is read-only: remount it, or choose another place",
  EACCES: "this user may not write there: check the owner and the mode of the folder",
  EPERM: "this user may not do that: changing an owner needs root, or the target is immutable",
  ENOENT: "its folder does not exist: create it",
  ENOTDIR: "what should be a folder above it is a file",
  ENAMETOOLONG: "its name is too long: that of its draft, beside it, is 16 characters longer",
  EISDIR: "a folder stands where the draft goes (.NAME.mycelium-draft, beside it): move it away",
  EMFILE: "too many open files: raise the limit (ulimit -n)",
  EBUSY: "the file is a mount point of its own: mount its folder instead",
}

export function writeError(target: string, error: unknown): AppError {
  if (error instanceof AppError) return error
  const code = systemCode(error) ?? "unknown error"
  const hint = hints[code]
  return new AppError("write-failed", `cannot write ${target}: ${code}`, { remedy: "retry", ...(hint === undefined ? {} : { hint }) })
}

/** Removes a folder if it is empty. */
export async function removeEmptyFolder(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined)
}
