import { resolve } from "node:path"
import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { defineOutput } from "../../core/define.ts"
import { fileOptions } from "./file-options.ts"
import { type Branch, nameOf, quoted } from "./tree/names.ts"
import { treeOptions } from "./tree/options.ts"
import { type Reading, inspectTree, openTree } from "./tree/tree.ts"

const Options = z.strictObject({
  json: z
    .string()
    .min(1, "name the file to write")
    .meta({
      description: "The file to write, relative to the config's folder",
      examples: ["config/application.json"],
    }),
  variables: treeOptions.meta({
    description: "Keys and the templates of their values; maps in it are maps in the file",
    examples: [{ datasource: { password: "{{ postgres.password }}" } }],
  }),
  ...fileOptions,
})

/** A JSON file of texts. */
export const json = defineOutput({
  type: "json",
  summary: "values in a JSON file, nested as the config nests them",
  options: Options,
  target: (options, folder) => resolve(folder, options.json),
  inspect: ({ variables }) => inspectTree(variables),
  open: ({ json: path, variables, ...files }, context) =>
    openTree({ name: "JSON", comments: false, write, read }, { path, variables, files }, context),
})

function write(tree: Branch): string {
  return `${object(tree, "")}\n`
}

function object(tree: Branch, indent: string): string {
  const lines = [...tree].map(
    ([key, value]) =>
      `${indent}  ${quoted(key)}: ` +
      `${typeof value === "string" ? quoted(value) : object(value, `${indent}  `)}`,
  )
  return `{\n${lines.join(",\n")}\n${indent}}`
}

const deepest = 50

/**
 * JSON.parse judges the text; the walk after it finds what JSON.parse hides: a key that stands
 * twice.
 */
function read(text: string, mostParts: number): Reading {
  const values = new Map<string, string | undefined>()
  const twice: string[] = []
  let top: unknown
  try {
    top = JSON.parse(text)
  } catch {
    throw unreadable("it is not valid JSON")
  }
  if (typeof top !== "object" || top === null || Array.isArray(top))
    throw unreadable("it is no JSON object")
  walk(tokensOf(text, mostParts * tokensOfPart), [], { values, twice })
  return { values, twice, more: false }
}

function unreadable(message: string): AppError {
  return new AppError("output-unreadable", message, { hint: "correct it, or move it away" })
}

type Found = { readonly values: Map<string, string | undefined>; readonly twice: string[] }

/** A key, a value, and the signs around them. */
const tokensOfPart = 6

function tokensOf(text: string, most: number): Iterator<string, string> {
  let count = 0
  const tokens = text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g)
  return {
    next: () => {
      if (++count > most) throw unreadable("it holds far more than its variables")
      const found = tokens.next()
      return found.done === true
        ? { done: true, value: "" }
        : { done: false, value: found.value[0] }
    },
  }
}

/** One value, from its first token on. */
function walk(
  tokens: Iterator<string, string>,
  path: readonly string[],
  found: Found,
  first = tokens.next().value,
): void {
  if (path.length > deepest) throw unreadable("it is nested too deep")
  if (first === "{") return walkObject(tokens, path, found)
  if (first === "[") skipList(tokens)
  found.values.set(nameOf(path), valueOf(first))
}

/** undefined: it is neither a text nor empty. */
function valueOf(token: string): string | undefined {
  if (token.startsWith('"')) return String(JSON.parse(token))
  return token === "null" ? "" : undefined
}

function walkObject(tokens: Iterator<string, string>, path: readonly string[], found: Found): void {
  const seen = new Set<string>()
  for (let token = tokens.next().value; token !== "}"; token = tokens.next().value) {
    if (token === ",") continue
    const key = String(JSON.parse(token))
    if (seen.has(key)) found.twice.push(nameOf([...path, key]))
    seen.add(key)
    tokens.next()
    walk(tokens, [...path, key], found)
  }
}

/** A list is no text, whatever is in it. */
function skipList(tokens: Iterator<string, string>): void {
  for (let depth = 1; depth > 0; ) {
    const token = tokens.next().value
    if (token === "[") depth++
    if (token === "]") depth--
  }
}
