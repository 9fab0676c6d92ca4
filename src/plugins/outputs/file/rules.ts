import type { Stats } from "node:fs"
import { readFile } from "node:fs/promises"
import type { FileOptions } from "../../../base/files/draft-file.ts"
import { AppError } from "../../../base/error.ts"
import { hasGroup } from "../../../base/files/rights.ts"

// Apart from ../file-options.ts: what only looks at files need not make its schemas.

/** Of an octal mode, as it is written. */
export function bits(mode: string): number {
  return Number.parseInt(mode, 8)
}

export type FileRules = {
  readonly owner?: string | undefined
  /** In the place of the owner's group, or alone. */
  readonly group?: string | undefined
  readonly mode?: string | undefined
  readonly in_place?: boolean | undefined
}

/** The permission bits that a file of these rules has. */
export function modeOf(rules: FileRules): number {
  return bits(rules.mode ?? "0600")
}

/**
 * Mode and owner for the next file: the options' owner and group, else those of the file which is
 * there. A group that may not reach the file anyway is no loss where this user cannot give it.
 */
export async function ownership(
  rules: FileRules,
  present: Stats | undefined,
): Promise<FileOptions> {
  const mode = modeOf(rules)
  const wanted = await ownerOf(rules)
  if (present === undefined) return { mode, ...wanted }
  const keepsGroup = (mode & 0o070) !== 0 || hasGroup(present.gid)
  return { mode, uid: present.uid, ...(keepsGroup ? { gid: present.gid } : {}), ...wanted }
}

/** True if nothing about mode or owner needs to change. */
export async function ownershipIsRight(rules: FileRules, present: Stats): Promise<boolean> {
  if ((present.mode & 0o7777) !== modeOf(rules)) return false
  const { uid = present.uid, gid = present.gid } = await ownerOf(rules)
  return present.uid === uid && present.gid === gid
}

export async function ownerOf({
  owner,
  group,
}: FileRules): Promise<{ readonly uid?: number; readonly gid?: number }> {
  const [user, own] = owner?.split(":") ?? []
  const of = group ?? own
  return {
    ...(user === undefined ? {} : { uid: await idOf(user, "/etc/passwd", "user") }),
    ...(of === undefined ? {} : { gid: await idOf(of, "/etc/group", "group") }),
  }
}

/**
 * Names are looked up in the local files only; anyone who has them elsewhere (LDAP) writes the number.
 */
async function idOf(name: string, file: string, kind: string): Promise<number> {
  if (/^\d{1,10}$/.test(name)) return Number(name)
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n")
  const found = lines.map((line) => line.split(":")).find((columns) => columns[0] === name)?.[2]
  if (found === undefined || !/^\d+$/.test(found)) {
    throw new AppError("owner-unknown", `there is no ${kind} "${name}" in ${file}`, {
      hint: `write the ${kind}'s number`,
    })
  }
  return Number(found)
}
