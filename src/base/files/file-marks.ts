import { lstat } from "node:fs/promises"
import { systemCode } from "../error.ts"

/** Changes whenever one of the files is replaced or written to; a file that is not there counts, too. */
export async function fileMarks(paths: readonly string[]): Promise<string> {
  return (await Promise.all([...new Set(paths)].map(markOf))).join(" ")
}

async function markOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await lstat(path)
    return `${ino}.${size}.${mtimeMs}.${ctimeMs}`
  } catch (error) {
    const code = systemCode(error)
    if (code === undefined) throw error
    return code
  }
}
