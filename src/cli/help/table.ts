import { wrap } from "./wrap.ts"

export type Table = {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const gap = 2
/** A column that must be narrower than this is hard to read. */
const narrowest = 14

/** A table of this width; if it is too wide, row by row, cell below cell. */
export function tableLines({ head, rows }: Table, width: number): readonly string[] {
  const all = head.some((cell) => cell !== "") ? [head, ...rows] : rows
  const widths = widthsOf(all, width)
  if (widths === undefined)
    return rows.flatMap((row, index) => [...(index > 0 ? [""] : []), ...stacked(head, row, width)])
  const laidOut = all.map((row) => rowLines(row, widths))
  const wrapped = laidOut.filter((lines) => lines.length > 1)
  const isLoose = all.length > rows.length && wrapped.length * 4 > laidOut.length
  const rule = widths.map((one) => "-".repeat(one)).join(" ".repeat(gap))
  return laidOut.flatMap((lines, index) => [
    ...(isLoose && index > 1 ? [""] : []),
    ...lines,
    ...(index === 0 && all.length > rows.length ? [rule] : []),
  ])
}

/** As wide as each cell needs, the widest made narrower until all fit; undefined if they cannot. */
function widthsOf(rows: Table["rows"], width: number): readonly number[] | undefined {
  const count = Math.max(...rows.map((row) => row.length))
  const columns = Array.from({ length: count }, (_, index) => rows.map((row) => row[index] ?? ""))
  const widths = columns.map((cells) => Math.max(...cells.map((cell) => cell.length)))
  const least = columns.map((cells, index) =>
    Math.max(longestWord(cells), Math.min(widths[index] ?? 0, narrowest)),
  )
  const room = width - gap * (count - 1)
  if (sum(least) > room) return undefined
  while (sum(widths) > room) {
    const spare = widths.map((one, index) => (one > (least[index] ?? 0) ? one : 0))
    const widest = spare.indexOf(Math.max(...spare))
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function rowLines(row: readonly string[], widths: readonly number[]): readonly string[] {
  const cells = widths.map((width, index) => wrap(row[index] ?? "", width))
  const height = Math.max(...cells.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, index) => (lines[line] ?? "").padEnd(widths[index] ?? 0))
      .join(" ".repeat(gap))
      .trimEnd(),
  )
}

function stacked(
  head: readonly string[],
  [first = "", ...others]: readonly string[],
  width: number,
): readonly string[] {
  const below = others.flatMap((cell, index) => {
    const title = head[index + 1] ?? ""
    if (cell === "") return []
    return wrap(title === "" ? cell : `${title}: ${cell}`, width - 4).map((line) => `    ${line}`)
  })
  return [...wrap(first, width), ...below]
}

function longestWord(cells: readonly string[]): number {
  return Math.max(...cells.flatMap((cell) => cell.split(/\s+/)).map((word) => word.length))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((before, one) => before + one, 0)
}
