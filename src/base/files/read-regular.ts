import type { Stats } from "node:fs"
import { basename, dirname } from "node:path"
import { near, readFlags } from "./disk.ts"
import { AppError, systemCode } from "../error.ts"
import { fileHints, linkError, unreadHint } from "./file-errors.ts"
import { type Folder, type Keeper, openFolder } from "./folder.ts"

/** A file, in the folder that it lies in. Who opened the folder must also dispose of it. */
export type Spot = { readonly target: string; readonly folder: Folder; readonly name: string }

export async function spotOf(target: string): Promise<Spot> {
  return { target, folder: await openFolder(dirname(target)), name: basename(target) }
}

/** `keeper`: who else can change what lies in its folder. */
export type Regular = { readonly bytes: Uint8Array; readonly stats: Stats; readonly keeper: Keeper }

/** Bytes. */
export const usualLimit = 64 * 1024 * 1024

/**
 * A file's bytes, its links not followed; undefined if there is none. Refuses what is no regular
 * file, larger than `limit` bytes, or perhaps another user's.
 */
export async function readRegular(path: string, limit = usualLimit): Promise<Regular | undefined> {
  try {
    await using folder = await openFolder(dirname(path))
    return await readIn({ target: path, folder, name: basename(path) }, limit)
  } catch (error) {
    return absent(path, error)
  }
}

/** The same, in a folder that is open. Throws the system's error where there is none. */
export async function readIn(spot: Spot, limit: number): Promise<Regular> {
  const { folder } = spot
  const found = folder.disk === near ? readNow(spot, limit) : await readLater(spot, limit)
  if (folder.keeper !== "ours") await refuseLinked(spot, found.stats)
  return { ...found, keeper: folder.keeper }
}

/**
 * The same without waiting, where the way is plain: neither another machine's disk, nor anyone else
 * who can change what lies there. Undefined where it is not. `into`: holds the bytes until the next
 * file is read there.
 */
export function readAtOnce(spot: Spot, limit: number, into?: Buffer): Regular | undefined {
  const { disk, keeper } = spot.folder
  return disk === near && keeper === "ours" ? { ...readNow(spot, limit, into), keeper } : undefined
}

/** In one go: of thousands that are read side by side, one is open at a time. */
function readNow(
  { target, folder, name }: Spot,
  limit: number,
  into?: Buffer,
): Pick<Regular, "bytes" | "stats"> {
  const file = near.open(folder.at(name), readFlags)
  try {
    const stats = near.stat(file)
    refuseOdd(target, stats, limit)
    return { bytes: near.read(file, stats.size, into), stats }
  } finally {
    near.close(file)
  }
}

async function readLater(
  { target, folder, name }: Spot,
  limit: number,
): Promise<Pick<Regular, "bytes" | "stats">> {
  const { disk } = folder
  const file = await disk.open(folder.at(name), readFlags)
  try {
    const stats = await disk.stat(file)
    refuseOdd(target, stats, limit)
    return { bytes: await disk.read(file), stats }
  } finally {
    await disk.close(file)
  }
}

/**
 * In a folder that another user can change, a file of a third user may be a hard link to one that
 * they cannot read. Asked after the file was opened: what has one name now, and has it here, was no
 * other file's.
 */
export async function refuseLinked({ target, folder, name }: Spot, opened: Stats): Promise<void> {
  if (opened.uid === folder.keeper) return
  const now = await folder.disk.statPath(folder.at(name))
  if (
    now?.ino === opened.ino &&
    now.dev === opened.dev &&
    now.uid === opened.uid &&
    now.nlink === 1 &&
    opened.nlink === 1
  )
    return
  throw new AppError(
    "file-hard-linked",
    `${target} has other names (hard links), or was swapped meanwhile, ` +
      "and another user can change its folder: it may be a file that is not meant for them",
    {
      hint: "take its other names away (find / -xdev -samefile FILE says them), or move it away",
    },
  )
}

/** Why a file could not be read: undefined where there is none. */
export function absent(path: string, error: unknown): undefined {
  if (error instanceof AppError) throw error
  const code = systemCode(error)
  if (code === "ENOENT") return undefined
  if (code === "ELOOP") throw linkError(path)
  if (code === "ENXIO") throw new AppError("file-irregular", `${path} is not a regular file`)
  const hint = code === "ENOTDIR" || code === "ENAMETOOLONG" ? fileHints[code] : unreadHint(code)
  throw new AppError(
    "file-unreadable",
    `cannot read ${path}: ${code ?? "unknown error"}`,
    hint === undefined ? {} : { hint },
  )
}

function refuseOdd(path: string, stats: Stats, limit: number): void {
  if (!stats.isFile()) throw new AppError("file-irregular", `${path} is not a regular file`)
  if (stats.size > limit)
    throw new AppError("file-too-large", `${path} is larger than ${limit} bytes`, {
      hint: "see what it is (ls -ls tells how much of it takes room): move it away, or name another",
    })
}
