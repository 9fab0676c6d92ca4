import { type Batch, type Mode, modes } from "./files.ts"

/** `sampled`: of the first files only. */
export type Intact = { readonly share: number; readonly sampled: boolean }
export type Row = {
  readonly name: string
  readonly own: readonly Mode[]
  readonly missing?: string
  readonly intact: ReadonlyMap<Mode, Intact>
}
export type About = { readonly count: number; readonly seed: string; readonly seconds: number }

/**
 * Per cent of files intact: a line a reader, a column a mode; `*` where the mode is the reader's
 * own. Then what it comes to.
 */
export function sayTable(
  rows: readonly Row[],
  batches: ReadonlyMap<Mode, Batch>,
  about: About,
): string {
  const table = [
    ["", ...modes],
    ...rows.map(cells),
    ["values refused", ...modes.map((mode) => (mode === "seed" ? "" : refused(batches.get(mode))))],
  ]
  const widths = ["", ...modes].map((_, column) =>
    Math.max(
      ...table.map((row) => (row.length === modes.length + 1 ? (row[column] ?? "").length : 0)),
    ),
  )
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  )
  return [...lines, "", ...legend(about), "", ...sum(rows, about)]
    .map((line) => `${line}\n`)
    .join("")
}

/** A file of portable, or of a reader's own, that it reads otherwise than meant. */
export function isBroken({ own, intact }: Row): boolean {
  return [...intact].some(
    ([mode, { share }]) => (mode === "portable" || own.includes(mode)) && share < 1,
  )
}

function cells({ name, own, missing, intact }: Row): readonly string[] {
  if (missing !== undefined) return [name, `missing: ${missing}`]
  return [name, ...modes.map((mode) => cell(intact.get(mode), own.includes(mode)))]
}

function cell(intact: Intact | undefined, isOwn: boolean): string {
  if (intact === undefined) return ""
  const sampled = intact.sampled ? "~" : " "
  return `${percent(intact.share)}${isOwn ? "*" : sampled}`
}

function legend({ count, seed }: About): readonly string[] {
  return [
    `per cent of files read as meant; ${count} files of three hard values for each mode, seed "${seed}"`,
    "* the reader's own mode   ~ of the first files only   values refused: before anything is written",
    "seed: raw, as the Python program wrote its passwords   $GITHUB_ENV: " +
      "portable as merge: true writes it, for that file takes no comment",
  ]
}

function sum(rows: readonly Row[], { seconds }: About): readonly string[] {
  const there = rows.filter(({ missing }) => missing === undefined)
  const shares = (mode: Mode, of = there): readonly number[] =>
    of.flatMap(({ intact }) => intact.get(mode)?.share ?? [])
  const whole = (some: readonly number[]): string =>
    `${some.filter((share) => share === 1).length} of ${some.length}`
  const owns = there.filter(({ own }) => own.length > 0)
  const seeds = [...shares("seed")].sort((one, other) => one - other)
  return [
    `${there.length} readers, ${rows.length - there.length} missing; ${seconds.toFixed(0)} s`,
    `every file as meant: portable by ${whole(shares("portable"))}; ` +
      "its own mode by " +
      `${whole(owns.map(({ own, intact }) => Math.min(...own.map((mode) => intact.get(mode)?.share ?? 0))))}; ` +
      `the seed's by ${whole(seeds)}, ` +
      `half of them at most ${percent(seeds[Math.floor((seeds.length - 1) / 2)] ?? 0)} %`,
    ...rows.filter(isBroken).map(({ name }) => `NOT INTACT: ${name}`),
  ]
}

/** Rounded down: 100 only where all are. */
function percent(share: number): string {
  return share === 1 ? "100" : (Math.floor(share * 1000) / 10).toFixed(1)
}

function refused(batch: Batch | undefined): string {
  return batch === undefined || batch.offered === 0
    ? ""
    : `${percent(batch.refused / batch.offered)} `
}
