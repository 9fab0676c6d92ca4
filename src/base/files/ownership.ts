import type { Disk } from "./disk.ts"
import { AppError, systemCode } from "../error.ts"
import { ownerError } from "./file-errors.ts"
import type { Regular, Spot } from "./read-regular.ts"
import { hasRight } from "./rights.ts"

/** Whose a file is to be, and who may give it away. */
export type Ownership = {
  /** Permission bits; 0o600 if left out. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
}

/**
 * The owner that a replaced file keeps: root leaves it to its owner, unless another user could have
 * put it there.
 */
export function keeping(found: Regular | undefined): Ownership {
  if (found === undefined || !hasRight("chown")) return {}
  const { keeper, stats } = found
  return keeper === "ours" || keeper === stats.uid ? { uid: stats.uid, gid: stats.gid } : {}
}

/**
 * The group first, while the file is ours; its owner last, for what is another user's we may not
 * chmod. So no user reads it by the bits of the next owner before it is theirs, and the right to
 * give files away (CAP_CHOWN) is all that is needed.
 */
export async function setOwnership(
  disk: Disk,
  file: number,
  { uid, gid, mode }: Ownership,
  target: string,
): Promise<void> {
  const now = uid === undefined && gid === undefined ? undefined : await disk.stat(file)
  const group = gid ?? now?.gid ?? 0
  if (now !== undefined && group !== now.gid)
    await give(disk, file, { uid: now.uid, gid: group }, target)
  await disk.chmod(file, mode ?? 0o600)
  if (now !== undefined && uid !== undefined && uid !== now.uid)
    await give(disk, file, { uid, gid: group }, target)
}

type Owner = { readonly uid: number; readonly gid: number }

async function give(disk: Disk, file: number, { uid, gid }: Owner, target: string): Promise<void> {
  try {
    await disk.chown(file, uid, gid)
  } catch (error) {
    throw ["EPERM", "EINVAL"].includes(systemCode(error) ?? "")
      ? ownerError(target, { uid, gid })
      : error
  }
}

/**
 * In a sticky folder each user replaces only files of their own; otherwise the rename would fail.
 */
export function refuseSticky(
  { target, folder }: Spot,
  owners: readonly (number | undefined)[],
): void {
  const me = process.geteuid?.()
  if ((folder.stats.mode & 0o1000) === 0 || folder.stats.uid === me || hasRight("fowner")) return
  if (owners.every((uid) => uid === undefined || uid === me)) return
  throw new AppError(
    "write-failed",
    `cannot write ${target}: its folder is sticky, so no user can replace another user's file there`,
    {
      hint: "put it into a folder without the sticky bit (chmod -t)",
    },
  )
}
