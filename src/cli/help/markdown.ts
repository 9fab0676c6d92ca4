import type { Block } from "./blocks.ts"

/**
 * Reads a page of our manual: the part of Markdown that the pages use (headings, paragraphs, lists,
 * tables, fenced code). Bun's
 * own parser gives one text and no structure, which a table needs to be fitted into a terminal.
 */
export function parseMarkdown(text: string): readonly Block[] {
  const blocks: Block[] = []
  const lines = text.split("\n")
  for (let at = 0; at < lines.length; ) {
    const { block, next } = blockAt(lines, at)
    if (block !== undefined) blocks.push(block)
    at = next
  }
  return blocks
}

type Read = { readonly block?: Block; readonly next: number }

const heading = /^(#{1,4}) (.+)$/
const item = /^( *)(-|\d+\.) +(.+)$/

function blockAt(lines: readonly string[], at: number): Read {
  const line = lines[at] ?? ""
  if (line.trim() === "") return { next: at + 1 }
  const [, marks, title] = heading.exec(line) ?? []
  if (marks !== undefined && title !== undefined)
    return { block: { kind: "heading", level: marks.length, text: title }, next: at + 1 }
  if (/^ *```/.test(line)) return codeAt(lines, at)
  if (line.startsWith("|")) return tableAt(lines, at)
  return textAt(lines, at)
}

function codeAt(lines: readonly string[], at: number): Read {
  const indent = (lines[at] ?? "").search(/\S/)
  let end = at + 1
  while (end < lines.length && !/^ *```/.test(lines[end] ?? "")) end++
  const code = lines.slice(at + 1, end).map((line) => line.slice(indent))
  return { block: { kind: "code", lines: code }, next: end + 1 }
}

function tableAt(lines: readonly string[], at: number): Read {
  let end = at
  while (lines[end]?.startsWith("|") === true) end++
  const [head = [], , ...rows] = lines.slice(at, end).map(cellsOf)
  return { block: { kind: "table", head, rows }, next: end }
}

function cellsOf(line: string): readonly string[] {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"))
}

/** A paragraph or one item of a list, up to what begins anew. */
function textAt(lines: readonly string[], at: number): Read {
  let end = at + 1
  while (end < lines.length && !isBoundary(lines[end] ?? "")) end++
  const [, indent = "", marker, first = ""] = item.exec(lines[at] ?? "") ?? []
  const rest = lines.slice(at + 1, end).map((line) => line.trim())
  if (marker === undefined)
    return { block: { kind: "paragraph", text: [lines[at]?.trim(), ...rest].join(" ") }, next: end }
  const depth = Math.floor(indent.length / 2)
  return { block: { kind: "item", marker, depth, text: [first, ...rest].join(" ") }, next: end }
}

function isBoundary(line: string): boolean {
  return (
    line.trim() === "" ||
    heading.test(line) ||
    item.test(line) ||
    /^ *```/.test(line) ||
    line.startsWith("|")
  )
}
