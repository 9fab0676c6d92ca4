import { chmod, chown, lstat, mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import { removeEmptyFolder, syncFolder, writeError } from "../../../base/durable-write.ts"
import { AppError, systemCode } from "../../../base/error.ts"
import { type FileRules, modeOf, ownership } from "../file-options.ts"

/** The folder, where nobody has made it yet: for those who read the files, and nobody else. */
export type MadeFolder = {
  /** It was not there. */
  readonly mends: boolean
  commit(): Promise<void>
  /** Removes it again, if we made it and it is empty. */
  discard(): Promise<void>
}

export async function makeFolder(folder: string, rules: FileRules): Promise<MadeFolder> {
  if (await isThere(folder)) return { mends: false, commit: async () => undefined, discard: async () => undefined }
  if (!(await isThere(dirname(folder)))) {
    throw new AppError("output-folder-missing", `the folder above ${folder} does not exist`, { hint: "create it, private to those who read the files (mkdir -m 0750)" })
  }
  const { uid, gid } = await ownership(rules, undefined)
  try {
    await mkdir(folder, { mode: 0o700 })
    if (uid !== undefined || gid !== undefined) await chown(folder, uid ?? process.geteuid?.() ?? 0, gid ?? process.getegid?.() ?? 0)
    await chmod(folder, (modeOf(rules) & 0o040) === 0 ? 0o700 : 0o750)
  } catch (error) {
    await removeEmptyFolder(folder)
    throw writeError(folder, error)
  }
  return { mends: true, commit: () => syncFolder(dirname(folder)), discard: () => removeEmptyFolder(folder) }
}

export async function refuseOddFolder(folder: string): Promise<void> {
  const stats = await lstat(folder).catch((error: unknown) => {
    const code = systemCode(error)
    if (code === "ENOENT" || code === "ENOTDIR") return undefined
    throw new AppError("file-unreadable", `cannot look at ${folder}: ${code ?? "unknown error"}`)
  })
  if (stats?.isSymbolicLink()) throw new AppError("file-is-link", `${folder} is a symbolic link`, { hint: "name the folder that it points to" })
  if (stats !== undefined && !stats.isDirectory()) throw new AppError("file-irregular", `${folder} is not a folder`)
}

async function isThere(folder: string): Promise<boolean> {
  return lstat(folder).then(() => true, () => false)
}
