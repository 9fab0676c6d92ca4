import { z } from "zod"
import { bits } from "./file/rules.ts"

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
