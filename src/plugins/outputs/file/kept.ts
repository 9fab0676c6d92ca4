import type { Stats } from "node:fs"
import { dirname } from "node:path"
import { AppError, systemCode } from "../../../base/error.ts"
import { diskOf } from "../../../base/files/disk.ts"
import { hasGroup, hasRight } from "../../../base/files/rights.ts"
import { sayUser } from "../../../base/system/users.ts"
import { type FileRules, modeOf, ownerOf, ownership } from "./rules.ts"

/**
 * A file that is replaced keeps its owner and its group, unless the config names others. Where the
 * system does not let this user give files away, or change their mode, it is refused before any
 * service is touched: never taken in silence.
 */

export type Rules = { readonly target: string; readonly files: FileRules }

/**
 * Foresees what `draftOf` would find out, for one who only looks. `present` left out: there is no
 * file yet.
 */
export async function refuseTaken({ target, files }: Rules, present?: Stats): Promise<void> {
  if (files.in_place === true && present !== undefined)
    return refuseChanged({ target, files }, present)
  const { uid = me(), gid } = await ownership(files, present)
  if (
    hasRight("chown") ||
    (uid === me() && (gid === undefined || hasGroup(gid) || (await isInherited(target, gid))))
  )
    return
  throw await refusal({ target, files }, present)
}

/** Of a file that is written into: its owner alone changes its mode. */
export async function refuseChanged({ target, files }: Rules, present: Stats): Promise<void> {
  const mode = modeOf(files)
  if ((present.mode & 0o7777) !== mode && present.uid !== me() && !hasRight("fowner"))
    throw modeRefused({ target, files }, present)
  const { uid = present.uid, gid = present.gid } = await ownerOf(files)
  const given =
    uid !== present.uid || (gid !== present.gid && (present.uid !== me() || !hasGroup(gid)))
  if (given && !hasRight("chown")) throw refused(target, uid)
}

/** What the system has just refused, in words that lead on. */
export async function explained(
  error: unknown,
  rules: Rules,
  present: Stats | undefined,
): Promise<unknown> {
  return error instanceof AppError && error.code === "owner-refused"
    ? refusal(rules, present)
    : error
}

async function refusal({ target, files }: Rules, present: Stats | undefined): Promise<AppError> {
  const wanted = await ownerOf(files)
  const uid = wanted.uid ?? present?.uid ?? me()
  const gid = wanted.gid ?? present?.gid ?? process.getegid?.() ?? 0
  if (uid === me() ? hasGroup(gid) : hasRight("chown")) return filtered(target, { uid, gid })
  if (uid === me()) return groupNotKept(target, { gid, isWanted: wanted.gid !== undefined })
  return wanted.uid === undefined && present !== undefined
    ? notKept(target, present)
    : refused(target, uid)
}

/**
 * This user may, by the rules of files: what denies the call itself is a filter, as units and
 * containers have.
 */
function filtered(
  target: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): AppError {
  return new AppError(
    "owner-refused",
    `${target} is to belong to user ${uid} and group ${gid}, which this user may give it, ` +
      "but the system denies the call (chown) itself",
    {
      hint:
        "allow it where mycelium is confined: SystemCallFilter=@chown in its unit; or, " +
        "for the group alone, let the folder give it (chmod g+s, with that group)",
    },
  )
}

/** A file is private unless the config says otherwise: whom that shuts out is said before. */
export function narrowing(
  { files }: Rules,
  present: { readonly stats: Stats } | undefined,
): { readonly narrows?: string } {
  if (present === undefined) return {}
  const { mode, gid } = present.stats
  const lost = mode & ~modeOf(files)
  const who = [
    ...((lost & 0o040) === 0 ? [] : [`group ${gid}`]),
    ...((lost & 0o004) === 0 ? [] : ["others"]),
  ]
  return who.length === 0
    ? {}
    : {
        narrows:
          `mode ${octal(mode)} becomes ${octal(modeOf(files))}: ${who.join(" and ")} cannot ` +
          "read it any more",
      }
}

function octal(bits: number): string {
  return `0${(bits & 0o7777).toString(8).padStart(3, "0")}`
}

function me(): number {
  return process.geteuid?.() ?? 0
}

function meInWords(): string {
  return `this user, ${sayUser(me())},`
}

function notKept(target: string, { uid, gid }: Stats): AppError {
  const member = hasGroup(gid) ? "" : `, after this user was put into group ${gid}`
  return new AppError(
    "owner-not-kept",
    `${target} belongs to ${sayUser(uid)}, and ${meInWords()} may not give files away: ` +
      "once it is replaced it would not be theirs any more",
    {
      hint:
        `one of three: chown ${me()}:${gid} ${target} and mode: "0640" in its output, ` +
        `where that group may read it${member}; or in_place: true, owner: ` +
        `"${uid}:${gid}", mode: "0660" and chmod 0660 ${target}${member}: ` +
        "it is then written into; or give mycelium the right CAP_CHOWN (mycelium explain " +
        "owner-not-kept says how)",
    },
  )
}

function groupNotKept(
  target: string,
  { gid, isWanted }: { readonly gid: number; readonly isWanted: boolean },
): AppError {
  const outside = `and ${meInWords()} is not in it`
  const message = isWanted
    ? `${target} is to be given to group ${gid}, ${outside}`
    : `${target} is to be read by its group ${gid}, ${outside}: once it is replaced it would ` +
      "not be that group's any more"
  return new AppError("owner-not-kept", message, {
    hint:
      `put this user into group ${gid} (usermod -aG; in a unit: SupplementaryGroups=${gid}); ` +
      "or name another with group in its output; or give mycelium the right CAP_CHOWN (mycelium " +
      "explain owner-not-kept says how)",
  })
}

function refused(target: string, uid: number): AppError {
  return new AppError(
    "owner-refused",
    `${target} is to be given to ${sayUser(uid)}, and ${meInWords()} may not give files away`,
    {
      hint:
        "name this user as its owner, with a group and a mode by which the other one reads it; " +
        "or give mycelium the right CAP_CHOWN (mycelium explain owner-refused says how)",
    },
  )
}

function modeRefused({ target, files }: Rules, { mode, uid }: Stats): AppError {
  const shared = octal((mode & 0o770) | 0o660)
  return new AppError(
    "owner-not-kept",
    `${target} is written into (in_place), belongs to ${sayUser(uid)} and has mode ` +
      `${octal(mode)}: ${meInWords()} may not change that to ${octal(modeOf(files))}`,
    {
      hint:
        files.mode === undefined
          ? `write mode: "${shared}" in its output, and chmod ${shared} ${target}`
          : `chmod ${octal(modeOf(files))} ${target}`,
    },
  )
}

/** A new file in a folder with the setgid bit gets the folder's group. */
async function isInherited(target: string, gid: number): Promise<boolean> {
  try {
    const path = dirname(target)
    const folder = await (await diskOf(path)).statPath(path)
    return folder !== undefined && (folder.mode & 0o2000) !== 0 && folder.gid === gid
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return false
  }
}
