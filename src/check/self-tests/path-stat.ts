import { unreadHint } from "../../base/files/file-errors.ts"
import { present } from "../../base/present.ts"
import { type Stats, lstatSync, realpathSync } from "node:fs"
import { dirname } from "node:path"
import { AppError, systemCode } from "../../base/error.ts"

export type Me = { readonly uid: number; readonly gid: number }
export type Entry = { readonly path: string; readonly stats: Stats }

/** What lies there, a link as itself; undefined if nothing does. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === "ENOENT" || code === "ENOTDIR") return undefined
    throw new AppError(
      "file-unreadable",
      `cannot look at ${path}: ${code ?? "unknown error"}`,
      present({ hint: unreadHint(code) }),
    )
  }
}

/** The path without links, as far as it exists. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const above = dirname(path)
    return above === path ? path : realPath(above)
  }
}

/**
 * The folders above `path`, nearest first, as written and with links followed: who may write in one
 * may replace what is in it.
 */
export function foldersAbove(path: string): readonly Entry[] {
  const names = new Set([...above(path), ...above(`${realPath(dirname(path))}/_`)])
  return [...names].flatMap((folder) => {
    const stats = statOf(folder)
    // A link itself has no mode; the folder that it lies in counts, and where it leads to.
    return stats?.isDirectory() ? [{ path: folder, stats }] : []
  })
}

function above(path: string): readonly string[] {
  const folder = dirname(path)
  return folder === path ? [] : [folder, ...above(folder)]
}

/** True where the sticky bit keeps others from replacing what is not theirs, as in /tmp. */
export function isGuarded(stats: Stats): boolean {
  return stats.isDirectory() && (stats.mode & 0o1000) !== 0
}

/** "0644": the permission bits as one types them. */
export function octal(mode: number): string {
  return `0${(mode & 0o7777).toString(8).padStart(3, "0")}`
}
