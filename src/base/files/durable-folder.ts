import { mkdir, rmdir } from "node:fs/promises"
import { basename, dirname } from "node:path"
import { diskOf, folderFlags, slow } from "./disk.ts"
import { systemCode } from "../error.ts"
import { writeError } from "./file-errors.ts"
import { type Folder, openFolder } from "./folder.ts"

/** Folders made, synced and removed durably: a rename lasts only once its folder is synced. */

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
 * above is synced, not only what was made now: a run that was killed in here may have made them.
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
      // Another mycelium made it at the same instant.
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

/** The folder of an output, and the output itself if that is a folder of files. */
export async function settleOutput(target: string): Promise<void> {
  await settleFolder(dirname(target))
  if (!(await isFile(target))) await settleFolder(target)
}

/** False if it cannot be looked at: it may be anything. */
async function isFile(path: string): Promise<boolean> {
  try {
    return (await (await diskOf(dirname(path))).statPath(path))?.isFile() === true
  } catch {
    return false
  }
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
