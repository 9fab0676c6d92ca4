import { mkdir, readdir } from "node:fs/promises"
import { present } from "../present.ts"
import { folderFlags } from "./disk.ts"
import { AppError } from "../error.ts"
import type { Folder } from "./folder.ts"
import { setOwnership } from "./ownership.ts"

export type FolderOptions = {
  readonly mode: number
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/**
 * Makes a folder, private until it has its owner and mode, which it gets by its descriptor: another
 * may lie at its name by then.
 */
export async function makeFolderIn(
  above: Folder,
  name: string,
  { mode, uid, gid }: FolderOptions,
): Promise<void> {
  const { disk } = above
  await mkdir(above.at(name), { mode: 0o700 })
  const made = await disk.open(above.at(name), folderFlags)
  try {
    const stats = await disk.stat(made)
    if (above.keeper !== "ours") await refuseOther(made, stats.uid, `${above.path}/${name}`)
    await setOwnership(disk, made, { mode, ...present({ uid, gid }) }, `${above.path}/${name}`)
  } finally {
    await disk.close(made)
  }
}

/** What we made is ours, and empty. */
async function refuseOther(made: number, uid: number, path: string): Promise<void> {
  if (uid === process.geteuid?.() && (await readdir(`/proc/self/fd/${made}/.`)).length === 0) return
  throw new AppError(
    "write-failed",
    `cannot make ${path}: something else was put in its place meanwhile`,
    {
      remedy: "retry",
      hint: "another user can write in the folder above it: see who does, then try again",
    },
  )
}
