import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs"
import { type FileHandle, lstat, mkdir, open, rename, rmdir, unlink } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { AppError, systemCode } from "./error.ts"

/** Files are replaced, never edited: a private draft beside the target, synced, renamed, the folder synced. */

export type FileOptions = {
  /** Permission bits; 0o600 if left out. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
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
    await refuseOddTarget(target)
    await writeDraft(target, bytes, options)
  } catch (error) {
    throw writeError(target, error)
  }
  return {
    commit: async () => {
      try {
        await rename(draft, target)
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
  const draft = draftPath(target)
  await removeDraft(target)
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  try {
    await file.writeFile(bytes)
    await setOwnership(file, options)
    await file.sync()
  } catch (error) {
    await unlink(draft).catch(() => undefined)
    throw error
  } finally {
    await file.close()
  }
}

/** Replaces `target` as a whole; durable when resolved. */
export async function durableWrite(target: string, bytes: Uint8Array | string, options: FileOptions = {}): Promise<void> {
  await (await draftFile(target, bytes, options)).commit()
}

/** Removes what a crash left under the draft's name. */
export async function removeDraft(target: string): Promise<void> {
  try {
    await unlink(draftPath(target))
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw writeError(target, error)
  }
}

/** Deletes `target`, durably; nothing to do where it is not. */
export async function durableRemove(target: string): Promise<void> {
  try {
    await unlink(target)
  } catch (error) {
    if (systemCode(error) === "ENOENT") return
    throw writeError(target, error)
  }
  await syncFolder(dirname(target))
}

type Regular = { readonly bytes: Uint8Array; readonly stats: Stats }

/** A link is not followed, and a pipe keeps nobody waiting. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** A file's bytes, its links not followed; undefined if there is none. Refuses what is no regular file, or larger than `limit` bytes. */
export async function readRegular(path: string, limit = 64 * 1024 * 1024): Promise<Regular | undefined> {
  let file: FileHandle
  try {
    file = await open(path, readFlags)
  } catch (error) {
    return absent(path, error)
  }
  try {
    const stats = await file.stat()
    refuseOdd(path, stats, limit)
    return { bytes: await file.readFile(), stats }
  } catch (error) {
    throw readError(path, error)
  } finally {
    await file.close()
  }
}

/** `readRegular` at once, for our own small files on a local disk: a tenth of its cost, for no other thread takes part. */
export function readRegularNow(path: string, limit = 64 * 1024 * 1024): Regular | undefined {
  let file: number
  try {
    file = openSync(path, readFlags)
  } catch (error) {
    return absent(path, error)
  }
  try {
    const stats = fstatSync(file)
    refuseOdd(path, stats, limit)
    return { bytes: readFileSync(file), stats }
  } catch (error) {
    throw readError(path, error)
  } finally {
    closeSync(file)
  }
}

/** Why a file could not be opened: undefined where there is none. */
function absent(path: string, error: unknown): undefined {
  const code = systemCode(error)
  if (code === "ENOENT") return undefined
  if (code === "ELOOP") throw new AppError("file-is-link", `${path} is a symbolic link`, { hint: "name the file that it points to" })
  throw readError(path, error)
}

function refuseOdd(path: string, stats: Stats, limit: number): void {
  if (!stats.isFile()) throw new AppError("file-irregular", `${path} is not a regular file`)
  if (stats.size > limit) throw new AppError("file-too-large", `${path} is larger than ${limit} bytes`)
}

function readError(path: string, error: unknown): AppError {
  return error instanceof AppError ? error : new AppError("file-unreadable", `cannot read ${path}: ${systemCode(error) ?? "unknown error"}`)
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
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

export async function setOwnership(file: FileHandle, options: FileOptions): Promise<void> {
  const { uid, gid } = options
  if (uid !== undefined || gid !== undefined) {
    const now = await file.stat()
    if ((uid ?? now.uid) !== now.uid || (gid ?? now.gid) !== now.gid) await file.chown(uid ?? now.uid, gid ?? now.gid)
  }
  await file.chmod(options.mode ?? 0o600)
}

async function refuseOddTarget(target: string): Promise<void> {
  const stats = await lstat(target).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined
    throw error
  })
  if (stats?.isSymbolicLink()) throw new AppError("file-is-link", `${target} is a symbolic link`, { hint: "name the file that it points to" })
  if (stats !== undefined && !stats.isFile()) throw new AppError("file-irregular", `${target} is not a regular file`)
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "free some space on that disk; nothing was lost",
  EDQUOT: "the quota of this user is used up; nothing was lost",
  EROFS: "that file system is read-only: remount it, or choose another place",
  EACCES: "this user may not write there: check the owner and the mode of the folder",
  EPERM: "this user may not do that: changing an owner needs root, or the target is immutable",
  ENOENT: "its folder does not exist: create it",
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
