import { readIn, type Regular } from "./read-regular.ts"
import { openFolderOf } from "./folder.ts"
import { present } from "../present.ts"
import { unreadHint } from "./file-errors.ts"
import { AppError, systemCode } from "../error.ts"

/**
 * `readRegular` for files that we only read: links are followed, for Kubernetes and NixOS mount
 * configs and secrets as links; but no link that another user can have put there.
 */
export async function readRealFile(path: string, limit: number): Promise<Regular | undefined> {
  try {
    const { folder, name } = await openFolderOf(path)
    await using held = folder
    return await readIn({ target: path, folder: held, name }, limit)
  } catch (error) {
    if (error instanceof AppError) throw error
    const code = systemCode(error)
    if (code === "ENOENT") return undefined
    if (code === "ENXIO" || code === "EISDIR")
      throw new AppError("file-irregular", `${path} is not a regular file`)
    throw new AppError(
      "file-unreadable",
      `cannot read ${path}: ${code ?? "unknown error"}`,
      present({ hint: unreadHint(code) }),
    )
  }
}
