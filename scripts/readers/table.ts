import { type Batch, type Mode, modes } from "./files.ts"

export type Row = { readonly name: string; readonly own: readonly Mode[]; readonly missing?: string; readonly intact: ReadonlyMap<Mode, number> }
export type About = { readonly count: number; readonly seed: string; readonly seconds: number }

/** Per cent of files intact: a line a reader, a column a mode; `*` where the mode is the reader's own. */
export function sayTable(rows: readonly Row[], batches: ReadonlyMap<Mode, Batch>, { count, seed, seconds }: About): string {
  const table = [["", ...modes], ...rows.map(cells), ["values refused", ...modes.map((mode) => (mode === "seed" ? "" : refused(batches.get(mode))))]]
  const widths = ["", ...modes].map((_, column) => Math.max(...table.map((row) => (row.length === modes.length + 1 ? (row[column] ?? "").length : 0))))
  const lines = table.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ").trimEnd())
  const there = rows.filter(({ missing }) => missing === undefined).length
  return `${lines.join("\n")}\n${there} readers, ${rows.length - there} missing; ${count} files of three values for each mode, seed "${seed}"; ${seconds.toFixed(0)} s\nper cent of files read as meant; * the reader's own mode; seed: raw, as the Python program wrote its passwords\n`
}

function cells({ name, own, missing, intact }: Row): readonly string[] {
  if (missing !== undefined) return [name, `missing: ${missing}`]
  return [name, ...modes.map((mode) => (intact.has(mode) ? `${percent(intact.get(mode) ?? 0)}${own.includes(mode) ? "*" : " "}` : ""))]
}

/** Rounded down: 100 only where all are. */
function percent(share: number): string {
  return share === 1 ? "100" : (Math.floor(share * 1000) / 10).toFixed(1)
}

function refused(batch: Batch | undefined): string {
  return batch === undefined || batch.offered === 0 ? "" : `${percent(batch.refused / batch.offered)} `
}
