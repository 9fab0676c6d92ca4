import { AppError } from "../../../base/error.ts"
import type { Keeper } from "../../../base/files/folder.ts"
import { isOurs } from "../../../base/files/writers.ts"
import { hasRight } from "../../../base/files/rights.ts"
import { type FileRules, modeOf, ownerOf } from "./rules.ts"
import type { Present } from "./present.ts"

/** A file that we write: where, and with which owner and mode. */
export type OwnFile = {
  readonly target: string
  readonly files: FileRules
  /** What others have put there goes on, too. */
  readonly merge?: boolean
}

/**
 * Whose a file is says who shall read the value, and what stands in it may go on: so it must be no
 * file that another user put there for that. One that another user owns counts where no third user
 * could have put it there: in one of our folders; in a folder of that user alone, if it holds
 * something; or where `owner` names that user.
 */
export async function refusePlanted(file: OwnFile, present: Present): Promise<void> {
  const { stats, keeper } = present
  if (keeper === "ours") return
  const wanted = await ownerOf(file.files)
  if (isOurs(stats.uid)) return refuseHandedOver(file, present, wanted)
  if (wanted.uid === stats.uid) return
  const holds = present.text.trim() !== ""
  if (keeper === stats.uid && holds && (file.files.in_place !== true || wanted.uid === undefined))
    return
  if (
    file.files.in_place !== true &&
    !(keeper === "shared" && holds) &&
    !keepsOf(file.files, wanted)
  )
    return
  throw planted(file, present, wanted.uid)
}

type Owner = { readonly uid?: number; readonly gid?: number }

/**
 * Anyone who can change the folder can move any of our files in it onto this name. Its lines would
 * go on in a merged file, to whomever that is for.
 */
function refuseHandedOver(
  { target, files, merge }: OwnFile,
  { text, stats }: Present,
  { uid, gid }: Owner,
): void {
  if (merge !== true || text.trim() === "") return
  const toUser = uid !== undefined && uid !== stats.uid && !isOurs(uid)
  const toGroup = gid !== undefined && gid !== stats.gid && (modeOf(files) & 0o070) !== 0
  if (!toUser && !toGroup) return
  const reader = toUser ? `user ${uid}` : `group ${gid}`
  throw new AppError(
    "output-planted",
    `${target} belongs to user ${stats.uid}, and others can move files onto its name: ` +
      `its other lines would become readable for ${reader}`,
    {
      hint:
        `look at what it holds: if all of it is meant for ${reader}, ` +
        `chown -h ${uid ?? stats.uid}${gid === undefined ? "" : `:${gid}`} ${target}; ` +
        "else remove it",
    },
  )
}

/** Would the next file have something of the owner or the group of this one? */
function keepsOf(
  rules: FileRules,
  { uid, gid }: { readonly uid?: number; readonly gid?: number },
): boolean {
  if (uid === undefined) return true
  return gid === undefined && (modeOf(rules) & 0o070) !== 0
}

function planted(
  { target, files }: OwnFile,
  { stats, keeper }: Present,
  wanted: number | undefined,
): AppError {
  return new AppError(
    "output-planted",
    `${target} belongs to user ${stats.uid}, ${whoCan(keeper, stats.uid)}: ` +
      "whether that user shall read the values cannot be told",
    { hint: wayOut(target, { ...stats, wanted, inPlace: files.in_place === true }) },
  )
}

function whoCan(keeper: Keeper, uid: number): string {
  if (keeper === uid) return "who can put files there"
  return keeper === "shared"
    ? "and others than root and this user can put files there"
    : `and user ${keeper} can put files there`
}

function wayOut(
  target: string,
  {
    uid,
    gid,
    wanted,
    inPlace,
  }: {
    readonly uid: number
    readonly gid: number
    readonly wanted: number | undefined
    readonly inPlace: boolean
  },
): string {
  const mayGive = hasRight("chown") || inPlace
  if (wanted === undefined && mayGive)
    return `if they shall, say so in the config (owner: "${uid}:${gid}"); else remove the file`
  const owner = wanted ?? process.geteuid?.() ?? 0
  // Its maker may still have it open.
  if (inPlace)
    return (
      "replace it by a file that you make yourself, so that no other process has it open: remove it, " +
      `then install -m 0600 -o ${owner} /dev/null ${target}`
    )
  return `if what it holds is right, chown -h ${owner} ${target}; else remove it`
}
