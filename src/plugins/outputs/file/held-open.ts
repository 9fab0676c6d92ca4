import type { Stats } from "node:fs"
import { AppError } from "../../../base/error.ts"
import { type Opener, openersOf } from "../../../base/files/openers.ts"
import { isOurs } from "../../../base/files/writers.ts"
import { type FileRules, modeOf, ownership } from "./rules.ts"

/**
 * A file that is written into keeps its readers: a process that opened it before its mode was
 * narrowed, or that was handed it open, reads on, whatever the mode says. Only root sees what
 * processes of other users have open.
 */
export async function refuseHeldOpen(
  { target, files }: { readonly target: string; readonly files: FileRules },
  stats: Stats,
): Promise<void> {
  if (files.in_place !== true) return
  const { uid = stats.uid, gid = stats.gid } = await ownership(files, stats)
  const rights = { uid, gid, mode: modeOf(files) }
  const held = openersOf(target, stats).find((one) => !mayRead(one, rights))
  if (held === undefined) return
  throw new AppError(
    "output-held-open",
    `process ${held.pid} of user ${held.uid} has ${target} open, ` +
      "and would read what is written into it, though its mode does not let that user",
    {
      hint:
        "end that process, or let it read the file (owner, group, mode in the output); " +
        "or, unless the file is mounted by itself, remove it: mycelium makes a new one",
    },
  )
}

type Rights = { readonly uid: number; readonly gid: number; readonly mode: number }

function mayRead({ uid, groups }: Opener, rights: Rights): boolean {
  if (uid === 0 || isOurs(uid)) return true
  if (uid === rights.uid) return (rights.mode & 0o400) !== 0
  if (groups.includes(rights.gid)) return (rights.mode & 0o040) !== 0
  return (rights.mode & 0o004) !== 0
}
