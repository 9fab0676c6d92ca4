import { unreadHint } from "../../../base/files/file-errors.ts"
import { present } from "../../../base/present.ts"
import { basename, dirname } from "node:path"
import { removeEmptyFolder, syncFolder } from "../../../base/files/durable-folder.ts"
import { AppError, systemCode } from "../../../base/error.ts"
import { linkError, writeError } from "../../../base/files/file-errors.ts"
import { type Folder, openFolder } from "../../../base/files/folder.ts"
import { isOurs } from "../../../base/files/writers.ts"
import { makeFolderIn } from "../../../base/files/new-folder.ts"
import { type FileRules, modeOf, ownership } from "../file/rules.ts"

/** The folder, if it does not exist yet: for those who read the files alone. */
export type MadeFolder = {
  /** It was not there. */
  readonly isNew: boolean
  commit(): Promise<void>
  /** Removes it again, if we made it and it is empty. */
  discard(): Promise<void>
}

export async function makeFolder(folder: string, rules: FileRules): Promise<MadeFolder> {
  if (await isThere(folder))
    return { isNew: false, commit: async () => undefined, discard: async () => undefined }
  await using above = await folderAbove(folder)
  const { uid, gid } = await ownership(rules, undefined)
  refuseOtherOwner(above, folder, uid)
  try {
    await makeFolderIn(above, basename(folder), {
      mode: (modeOf(rules) & 0o040) === 0 ? 0o700 : 0o750,
      uid,
      gid,
    })
  } catch (error) {
    if (systemCode(error) !== "EEXIST") await removeEmptyFolder(folder)
    throw writeError(folder, error)
  }
  return { isNew: true, commit: () => synced(folder), discard: () => removeEmptyFolder(folder) }
}

async function synced(folder: string): Promise<void> {
  try {
    await syncFolder(dirname(folder))
  } catch (error) {
    throw writeError(folder, error)
  }
}

/** Once it is made it would lie below a folder of another user, where no rotation passes. */
export function refuseOtherOwner(above: Folder, folder: string, uid: number | undefined): void {
  const { keeper } = above
  if (uid === undefined || isOurs(uid) || typeof keeper !== "number" || keeper === uid) return
  throw new AppError(
    "folder-of-others",
    `${folder} would belong to user ${uid}, below a folder that user ${keeper} can change`,
    {
      hint:
        `user ${keeper} could replace it: make the folder above it root's (chown root), ` +
        "or put it elsewhere",
    },
  )
}

async function folderAbove(folder: string): Promise<Folder> {
  try {
    return await openFolder(dirname(folder))
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw writeError(folder, error)
    throw new AppError("output-folder-missing", `the folder above ${folder} does not exist`, {
      hint: "create it, private to those who read the files (mkdir -m 0750)",
    })
  }
}

export async function refuseOddFolder(folder: string): Promise<void> {
  try {
    await using above = await openFolder(dirname(folder))
    const stats = await above.disk.statPath(above.at(basename(folder)))
    if (stats?.isSymbolicLink()) throw linkError(folder, "folder")
    if (stats !== undefined && !stats.isDirectory())
      throw new AppError("file-irregular", `${folder} is not a folder`)
  } catch (error) {
    if (error instanceof AppError) throw error
    const code = systemCode(error)
    if (code !== "ENOENT" && code !== "ENOTDIR")
      throw new AppError(
        "file-unreadable",
        `cannot look at ${folder}: ${code ?? "unknown error"}`,
        present({ hint: unreadHint(code) }),
      )
  }
}

async function isThere(folder: string): Promise<boolean> {
  try {
    await using _ = await openFolder(folder)
    return true
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false
    throw writeError(folder, error)
  }
}
