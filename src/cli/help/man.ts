import { type Block, plain, spansOf } from "./blocks.ts"
import { tableLines } from "./table.ts"

/** man(1) indents by 7 and breaks at 78 or more: a table is laid out for what is left. */
const tableWidth = 71

/** A section of a man page: level 1 of its blocks is the section's name. */
export function toMan(blocks: readonly Block[]): readonly string[] {
  return blocks.flatMap((block) => roff(block))
}

/** How a page begins. Not justified: a long word among short ones would stretch them. */
export function manTitle(version: string): readonly string[] {
  return [`.TH MYCELIUM 1 "" "mycelium ${version}" "Mycelium"`, ".ad l", ".nh"]
}

function roff(block: Block): readonly string[] {
  if (block.kind === "heading") return headingLines(block.level, plain(block.text))
  if (block.kind === "paragraph") return [".PP", inlineRoff(block.text)]
  if (block.kind === "item") return itemLines(block)
  if (block.kind === "code") return asItStands(block.lines)
  if (block.kind === "table")
    return asItStands(
      tableLines(
        { head: block.head.map(plain), rows: block.rows.map((row) => row.map(plain)) },
        tableWidth,
      ),
    )
  return [
    ".TP",
    `\\fB${escaped(plain(block.name))}\\fR`,
    ...(block.text === "" ? [] : [inlineRoff(block.text)]),
    ...(block.example === undefined ? [] : [".br", `\\fI${escaped(block.example)}\\fR`]),
  ]
}

function headingLines(level: number, text: string): readonly string[] {
  if (level === 1) return [`.SH "${quoted(text.toUpperCase())}"`]
  return level === 2 ? [`.SS "${quoted(text)}"`] : [".PP", `\\fB${escaped(text)}\\fR`]
}

function itemLines({ marker, depth, text }: Extract<Block, { kind: "item" }>): readonly string[] {
  const sign = marker === "-" ? "\\(bu" : marker
  const lines = [`.IP "${sign}" 4`, inlineRoff(text)]
  return depth === 0 ? lines : [".RS 4", ...lines, ".RE"]
}

function asItStands(lines: readonly string[]): readonly string[] {
  return [".PP", ".RS 0", ".nf", ...lines.map((line) => escaped(line)), ".fi", ".RE"]
}

function inlineRoff(markdown: string): string {
  const text = spansOf(markdown)
    .map(({ kind, text: part }) =>
      kind === "text" ? withoutBackslash(part) : `\\fB${withoutBackslash(part)}\\fR`,
    )
    .join("")
  return safeStart(text)
}

function escaped(text: string): string {
  return safeStart(withoutBackslash(text))
}
/** A hyphen that is typed must stay one. */
function withoutBackslash(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-")
}
/** A line that begins with a dot or a quote would be a command. */
function safeStart(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line
}
function quoted(text: string): string {
  return withoutBackslash(text).replaceAll('"', "\\(dq")
}
