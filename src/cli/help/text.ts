import { type Block, plain } from "./blocks.ts"
import { tableLines } from "./table.ts"
import { wrap } from "./wrap.ts"

/** If stdout is no terminal. */
export const columnsElse = 80
const indent = 2
const narrowest = 40

/** Lines for a terminal of this width, without escapes. Code is never broken: it is to be copied. */
export function toText(blocks: readonly Block[], columns: number): readonly string[] {
  const [only] = blocks
  // A file as a whole: to be redirected into one.
  if (blocks.length === 1 && only?.kind === "code") return only.lines
  const width = Math.max(narrowest, columns)
  const lines: string[] = []
  for (const [index, block] of blocks.entries()) {
    if (index > 0 && !isTight(blocks[index - 1], block)) lines.push("")
    lines.push(...linesOf(block, width))
  }
  return lines.map((line) => line.trimEnd())
}

/** Items of one list stand together. */
function isTight(before: Block | undefined, block: Block): boolean {
  return before?.kind === "item" && block.kind === "item"
}

function linesOf(block: Block, width: number): readonly string[] {
  const inner = width - indent
  if (block.kind === "heading") return headingLines(block.level, wrap(plain(block.text), width))
  if (block.kind === "paragraph") return indented(indent, wrap(plain(block.text), inner))
  if (block.kind === "item") return itemLines(block, inner)
  if (block.kind === "code") return indented(indent + 2, block.lines)
  if (block.kind === "term") return termLines(block, inner)
  const { head, rows } = block
  return indented(
    indent,
    tableLines({ head: head.map(plain), rows: rows.map((row) => row.map(plain)) }, inner),
  )
}

function headingLines(level: number, lines: readonly string[]): readonly string[] {
  if (level > 1) return lines
  return [...lines, "=".repeat(Math.max(...lines.map((line) => line.length)))]
}

function itemLines(
  { marker, depth, text }: Extract<Block, { kind: "item" }>,
  width: number,
): readonly string[] {
  const before = indent + depth * 2
  const hanging = marker.length + 1
  return wrap(plain(text), width - depth * 2 - hanging).map((line, index) =>
    index === 0
      ? `${" ".repeat(before)}${marker} ${line}`
      : `${" ".repeat(before + hanging)}${line}`,
  )
}

function termLines(
  { name, text, example }: Extract<Block, { kind: "term" }>,
  width: number,
): readonly string[] {
  return [
    ...indented(indent, wrap(plain(name), width)),
    ...indented(indent + 4, text === "" ? [] : wrap(plain(text), width - 4)),
    ...indented(indent + 4, example === undefined ? [] : example.split("\n")),
  ]
}

function indented(by: number, lines: readonly string[]): readonly string[] {
  return lines.map((line) => `${" ".repeat(by)}${line}`)
}
