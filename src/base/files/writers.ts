import type { Stats } from "node:fs"
import { isPrivateGroup } from "../system/accounts.ts"

/** Who could have written what stands there, besides root and this user. */

export function isOurs(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.()
}

/** Others than its owner can write: into a file, or make files in a folder. */
export function isOpen({ mode, uid, gid }: Stats): boolean {
  if ((mode & 0o002) !== 0) return true
  if ((mode & 0o020) === 0 || gid === 0 || gid === process.getegid?.()) return false
  return isOurs(uid) || !isPrivateGroup(uid, gid)
}

export function isSticky({ mode }: Stats): boolean {
  return (mode & 0o1000) !== 0
}
