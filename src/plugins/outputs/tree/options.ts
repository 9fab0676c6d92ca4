import { z, type ZodType } from "zod"

/** Templates by name; maps in them are maps in the file. */
export type Tree = { readonly [key: string]: string | Tree }

/** A schema that takes itself could not be shown to editors; no config nests deeper. */
const deepest = 6

const leaf = z.string({ error: "a value is a template: a string, in quotes" })

function level(below: number): ZodType<Tree> {
  const value: ZodType<string | Tree> =
    below === 0
      ? leaf
      : z.union([leaf, level(below - 1)], {
          error: "a value is a template (a string, in quotes), or a map of them",
        })
  return z
    .record(z.string().min(1, "a key must not be empty"), value)
    .refine((map) => Object.keys(map).length > 0, "name at least one key")
}

export const treeOptions = level(deepest - 1)

export type Leaf = { readonly path: readonly string[]; readonly template: string }

export function leavesOf(tree: Tree, above: readonly string[] = []): readonly Leaf[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string"
      ? [{ path: [...above, key], template: value }]
      : leavesOf(value, [...above, key]),
  )
}
