import type { Stats } from "node:fs"
import { AppError } from "../base/error.ts"
import type { Keeper } from "../base/files/folder.ts"
import { type Regular } from "../base/files/read-regular.ts"
import { readRealFile } from "../base/files/real-file.ts"
import { changeableBy } from "../base/files/runnable.ts"
import { isOpen, isOurs } from "../base/files/writers.ts"
import { ownerOf } from "./trusted-store.ts"

/**
 * Whose identity it is chooses who opens each new value: it must be this user's or root's, and no
 * other user may be able to put theirs in its place. A store of that very user is theirs already.
 */
export function refuseForeign(path: string, { stats, keeper }: Regular, store: string): void {
  const isTheirs = !isOurs(stats.uid) && stats.uid === ownerOf(store)
  const by = isTheirs ? undefined : foreignTo(stats, keeper)
  if (by !== undefined)
    throw new AppError("identity-foreign", `${path} holds the identity, and ${by}`, { hint: ownIt })
}

export async function refuseForeignFile(path: string, store: string): Promise<void> {
  const found = await readRealFile(path, 64 * 1024)
  if (found !== undefined) refuseForeign(path, found, store)
}

/**
 * No identity is made where another user can put theirs in its place. `toMake`: its folder may be
 * missing.
 */
export async function refuseForeignPlace(
  path: string,
  toMake: { readonly toMake?: boolean } = {},
): Promise<void> {
  const fault = await changeableBy(path, { evenMissing: true, ...toMake })
  if (fault !== undefined)
    throw new AppError("identity-foreign", `an identity at ${path} ${fault.message}`, {
      hint: ownIt,
    })
}

const ownIt =
  "every new value would be sealed to their key: keep it where only root and this user can " +
  "write, compare it with your offline backup, and run mycelium as the user that owns it"

function foreignTo(stats: Stats, keeper: Keeper): string | undefined {
  if (!isOurs(stats.uid)) return `it belongs to user ${stats.uid}`
  if (typeof keeper === "number")
    return `user ${keeper}, who owns a folder above it, can put another file in its place`
  return (stats.mode & 0o022) !== 0 && isOpen(stats) ? "others can write into it" : undefined
}
