/** Rows as columns, two blanks between; the last one is not padded. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)))
  return rows.map((row) => {
    let line = ""
    for (let index = 0; index < row.length - 1; index++)
      line += `${(row[index] ?? "").padEnd(widths[index] ?? 0)}  `
    return (line + (row.at(-1) ?? "")).trimEnd()
  })
}
