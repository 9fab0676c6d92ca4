import { resolve } from "node:path"
import {
  Composer,
  type Document,
  isMap,
  isNode,
  isScalar,
  Lexer,
  LineCounter,
  Parser,
  visit,
} from "yaml"
import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { defineOutput } from "../../core/define.ts"
import { fileOptions } from "./file-options.ts"
import { type Branch, nameOf, quoted } from "./tree/names.ts"
import { treeOptions } from "./tree/options.ts"
import { type Reading, inspectTree, openTree } from "./tree/tree.ts"

const Options = z.strictObject({
  yaml: z
    .string()
    .min(1, "name the file to write")
    .meta({
      description: "The file to write, relative to the config's folder",
      examples: ["config/application.yml"],
    }),
  variables: treeOptions.meta({
    description: "Keys and the templates of their values; maps in it are maps in the file",
    examples: [{ datasource: { password: "{{ postgres.password }}" } }],
  }),
  ...fileOptions,
})

/** A YAML file of texts. */
export const yaml = defineOutput({
  type: "yaml",
  summary: "values in a YAML file, nested as the config nests them: application.yml",
  options: Options,
  target: (options, folder) => resolve(folder, options.yaml),
  inspect: ({ variables }) => inspectTree(variables),
  open: ({ yaml: path, variables, ...files }, context) =>
    openTree(
      { name: "YAML", comments: true, write: (tree) => lines(tree, "").join(""), read },
      { path, variables, files },
      context,
    ),
})

/**
 * Values are always quoted: what looks like a number, a date or a yes stays a text for every
 * reader.
 */
function lines(tree: Branch, indent: string): readonly string[] {
  return [...tree].flatMap(([key, value]) =>
    typeof value === "string"
      ? [`${indent}${plain(key)}: ${quoted(value)}\n`]
      : [`${indent}${plain(key)}:\n`, ...lines(value, `${indent}  `)],
  )
}

/** Words that a reader of YAML 1.1 takes for something else are quoted: e5 is a number to some. */
function plain(key: string): string {
  return /^[A-Za-z_][\w-]*$/.test(key) && !otherwiseRead.test(key) ? key : quoted(key)
}
const otherwiseRead = /^(?:y|n|yes|no|on|off|true|false|null|e-?\d+)$/i

const deepest = 50

function read(text: string, mostParts: number): Reading {
  refuseTooMuch(text, mostParts)
  const document = parse(text)
  const found: Found = { values: new Map(), twice: [] }
  const { contents } = document
  if (contents !== null && !(isScalar(contents) && contents.value === null)) {
    if (!isMap(contents)) throw unreadable("it is no map")
    walk(contents, [], found)
  }
  return { ...found, more: hasComments(document) }
}

/** Brackets, or signs of a list, one within another: our own files have none. */
const nestedDeepest = 100

/**
 * Who owns the file may have filled it so that the parser would take minutes and gigabytes. The
 * lexer, which takes neither, judges it before. A token is at most a line, or a part of one.
 */
function refuseTooMuch(text: string, mostParts: number): void {
  let [depth, run, parts] = [0, 0, 0]
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") depth++
    else if (token === "]" || token === "}") depth--
    // `- - - a` nests, too; so do `? ` and `: `.
    if (token === "-" || token === "?" || token === ":") run++
    else if (token.startsWith("\n") || token.startsWith("\r")) run = 0
    if (depth < 0) throw unreadable("it is not valid YAML")
    if (depth > nestedDeepest || run > nestedDeepest) throw unreadable("it is nested too deep")
    if (token.trim() !== "" && ++parts > mostParts * tokensOfPart)
      throw unreadable("it holds far more than its variables")
  }
}

/** A key, a sign and a value, each with marks of the lexer's own. */
const tokensOfPart = 6

/** The parser's own errors quote the text: none of them goes on. At the first it is given up. */
function parse(text: string): Document.Parsed {
  const lines = new LineCounter()
  const composer = new Composer({
    version: "1.2",
    schema: "core",
    uniqueKeys: false,
    merge: false,
    logLevel: "error",
    prettyErrors: false,
  })
  const fail = (offset: number | undefined): never => {
    const line = offset === undefined ? 0 : lines.linePos(offset).line
    throw unreadable(`${line > 0 ? `line ${line}: ` : ""}it is not valid YAML`)
  }
  composer["onError"] = (source: unknown, ...[, , isWarning]: readonly unknown[]) => {
    if (isWarning !== true) fail(offsetOf(source))
  }
  try {
    const tokens = new Parser(lines.addNewLine).parse(text)
    const [document, more] = [...composer.compose(tokens, true, text.length)]
    if (document === undefined || more !== undefined) throw unreadable("it is not one document")
    const [fault] = document.errors
    if (fault !== undefined) fail(fault.pos[0])
    return document as Document.Parsed
  } catch (error) {
    throw error instanceof AppError ? error : unreadable("it is not valid YAML")
  }
}

function offsetOf(source: unknown): number | undefined {
  if (typeof source === "number") return source
  const at: unknown = Array.isArray(source)
    ? source[0]
    : (source as { readonly offset?: unknown }).offset
  return typeof at === "number" ? at : undefined
}

type Found = { readonly values: Map<string, string | undefined>; readonly twice: string[] }

function walk(node: unknown, path: readonly string[], found: Found): void {
  if (path.length > deepest) throw unreadable("it is nested too deep")
  if (isMap(node) && node.anchor === undefined && node.tag === undefined) {
    const seen = new Set<string>()
    for (const { key, value } of node.items) {
      if (!isScalar(key) || typeof key.value !== "string")
        throw unreadable("a key in it is no text")
      if (seen.has(key.value)) found.twice.push(nameOf([...path, key.value]))
      seen.add(key.value)
      walk(value, [...path, key.value], found)
    }
    return
  }
  found.values.set(nameOf(path), textOf(node))
}

function textOf(node: unknown): string | undefined {
  if (node === null) return ""
  if (!isScalar(node) || node.anchor !== undefined) return undefined
  if (node.value === null) return ""
  return typeof node.value === "string" ? node.value : undefined
}

function hasComments(document: Document.Parsed): boolean {
  let found = document.commentBefore != null || document.comment != null
  visit(document, {
    Node: (_, node) => {
      if (isNode(node) && (node.commentBefore != null || node.comment != null)) found = true
    },
  })
  return found
}

function unreadable(message: string): AppError {
  return new AppError("output-unreadable", message, { hint: "correct it, or move it away" })
}
