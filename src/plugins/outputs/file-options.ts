import type { Stats } from "node:fs"
import { readFile } from "node:fs/promises"
import { z } from "zod"
import type { FileOptions } from "../../base/files/draft-file.ts"
import { AppError } from "../../base/error.ts"
import { hasGroup } from "../../base/files/rights.ts"

/** `owner`, `group` and `mode` of files that show values. */
export const ownOptions = {
  owner: z
    .string({
      error: (issue) =>
        issue.input === undefined
          ? undefined
          : 'the owner is a string: write "1000:1000" or "app:app"',
    })
    .regex(/^[^:\s]+:[^:\s]+$/, 'the owner is "user:group", by number or by name')
    .optional()
    .meta({
      description:
        "The user and group of the file, by name or number; else those of the file that is there",
      examples: ["1000:1000"],
    }),
  group: z
    .string({
      error: (issue) =>
        issue.input === undefined ? undefined : 'the group is a string: write "1000" or "app"',
    })
    .regex(/^[^:\s]+$/, "the group is one, by number or by name")
    .optional()
    .meta({
      description: "The group of the file alone, by name or number",
      examples: ["app"],
    }),
  mode: z
    .string({
      error: (issue) => (issue.input === undefined ? undefined : 'modes are strings: write "0600"'),
    })
    .regex(/^0?[0-7]{3}$/, 'a mode is three octal digits after a 0, like "0600"')
    .refine(
      (mode) => !isMode(mode) || (bits(mode) & 0o007) === 0,
      'others must not reach a file that holds secrets: the last digit of its mode is 0, like "0640"',
    )
    .refine(
      (mode) => !isMode(mode) || (bits(mode) & 0o400) !== 0,
      'its owner must be able to read it: write "0600", "0640" or "0400"',
    )
    .optional()
    .meta({
      description: "The mode of the file; never readable by others",
      default: "0600",
      examples: ["0640"],
    }),
} as const

/** Of one file. */
export const fileOptions = {
  ...ownOptions,
  in_place: z
    .boolean()
    .optional()
    .meta({
      description:
        "Write into the file that is there, for a mount of the single file; " +
        "a reader may see half of it for an instant",
      default: false,
      examples: [true],
    }),
} as const

function isMode(mode: string): boolean {
  return /^0?[0-7]{3}$/.test(mode)
}
function bits(mode: string): number {
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
