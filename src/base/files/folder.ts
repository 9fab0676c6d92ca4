import type { Stats } from "node:fs"
import { dirname, resolve } from "node:path"
import { diskOf, near } from "./disk.ts"
import { walk } from "./folder-walk.ts"
import { Folder } from "./opened-folder.ts"
import { isOpen, isOurs, isSticky } from "./writers.ts"

export type { Folder, Keeper } from "./opened-folder.ts"

/** Folders opened so that no other user can redirect what is done in them. */

/**
 * Refuses (`file-is-link`, `folder-of-others`) a path that another user could redirect; throws the
 * system's error if a part of it is missing.
 */
export async function openFolder(path: string): Promise<Folder> {
  const named = resolve(path)
  const disk = await diskOf(named)
  return (
    (disk === near ? plainFolder(named) : undefined) ??
    (await walk(named, { disk, follow: false })).folder
  )
}

/**
 * The folder of a file, and its name there. A link in the file's place is followed, if no other
 * user can have put it there.
 */
export async function openFolderOf(
  path: string,
): Promise<{ readonly folder: Folder; readonly name: string }> {
  const named = resolve(path)
  return walk(named, { disk: await diskOf(dirname(named)), follow: true })
}

/**
 * A short cut for most paths: no link, and no other user can change anything on the way. Undefined:
 * it must be walked.
 */
function plainFolder(named: string): Folder | undefined {
  let stats: Stats | undefined
  for (let at = 0, end = 0; end < named.length; at = end + 1) {
    end = named.indexOf("/", at)
    if (end === -1) end = named.length
    stats = near.statPath(end === 0 ? "/" : named.slice(0, end))
    if (
      stats?.isDirectory() !== true ||
      !isOurs(stats.uid) ||
      (isOpen(stats) && (!isSticky(stats) || end === named.length))
    )
      return undefined
    if (named === "/") break
  }
  return stats === undefined
    ? undefined
    : new Folder(named, near, {
        keeper: "ours",
        stats,
        weak: undefined,
        place: named,
        held: undefined,
      })
}
