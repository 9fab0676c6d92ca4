/**
 * `bun run bench [--short] [--only=PART,…] [--markdown]`: one table, each row a ratio taken in one
 * run: ours beside the same work with nothing around it, and what one would use instead. A whole
 * run leaves `bench.json`.
 */
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { durableWrite } from "../src/base/files/durable-write.ts"
import { composeRows } from "./bench/compose.ts"
import { containRow } from "./bench/contain.ts"
import { countRows } from "./bench/counts.ts"
import { exposedRow } from "./bench/exposed.ts"
import { gapRow } from "./bench/gap.ts"
import { generatedRows } from "./bench/generated.ts"
import { growthRows } from "./bench/growth.ts"
import { idleRows } from "./bench/idle.ts"
import { loginRows } from "./bench/logins.ts"
import { type Row, median, ms, quantile } from "./bench/measure.ts"
import { withLoop } from "./bench/openbao.ts"
import { rotationRows } from "./bench/rotations.ts"
import { planRow } from "./bench/scale.ts"
import { serviceRows } from "./bench/service.ts"
import { startRows } from "./bench/start.ts"
import { optionsOf } from "./usage.ts"

optionsOf("bun scripts/bench.ts [--short] [--only=PART,…] [--markdown]", {
  short: { type: "boolean" },
  only: { type: "string" },
  markdown: { type: "boolean" },
})

const short = process.argv.includes("--short")
const only = process.argv
  .find((word) => word.startsWith("--only="))
  ?.slice("--only=".length)
  .split(",")
const root = join(import.meta.dirname, "..")

/** Each part by name, for `--only=NAME,NAME`; `--short` does fewer rounds: minutes, not an hour. */
const parts: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  start: () => startRows(root, short ? 11 : 41),
  counted: () => countRows(short ? 10 : 50),
  generated: () =>
    generatedRows(
      short
        ? { rounds: 5, each: 20, environments: 100 }
        : { rounds: 15, each: 50, environments: 1000 },
    ),
  services: () => serviceRows(short ? { rounds: 3, each: 2 } : { rounds: 9, each: 4 }),
  logins: () => (short ? loginRows(4, "1s") : loginRows(50, "2s")),
  rotations: () =>
    rotationRows(
      root,
      short
        ? { environments: 4, rotations: 3, seconds: 1 }
        : { environments: 8, rotations: 125, seconds: 10 },
    ),
  gap: async () => [await gapRow(short ? 10 : 100, 100)],
  compose: () => composeRows(short ? 5 : 50),
  contain: async () => [
    short
      ? await withLoop(await containRow(100, 4, 3), 10)
      : await withLoop(await containRow(1000, 20, 3), 100),
  ],
  idle: () =>
    idleRows(
      root,
      short
        ? { environments: 2000, settleMs: 3000, watchMs: 6000 }
        : { environments: 10_000, settleMs: 75_000, watchMs: 60_000 },
    ),
  plan: async () => [
    await planRow(
      root,
      short
        ? { environments: 100, each: 100, rounds: 3 }
        : { environments: 1000, each: 100, rounds: 5 },
    ),
  ],
  exposed: async () => [
    await exposedRow(root, short ? { mebibytes: 256, rounds: 3 } : { mebibytes: 1024, rounds: 5 }),
  ],
  growth: () =>
    growthRows(
      root,
      short
        ? { sizes: [10, 100, 1000], rounds: 3 }
        : {
            sizes: [10, 100, 1000, 10_000],
            rounds: 5,
            whole: { settleMs: 75_000, watchMs: 60_000 },
          },
    ),
}

/** The clock of most rows: a sync alone, and a durable replace of 2 KB. */
async function disk(): Promise<{
  readonly fsyncMs: number
  readonly fsyncP99Ms: number
  readonly durableReplaceMs: number
}> {
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  const file = await open(join(folder, "sync"), "w", 0o600)
  const syncs: number[] = []
  const replaces: number[] = []
  for (let count = 0; count < 100; count++) {
    await file.write("z".repeat(2048), 0)
    syncs.push(await took(() => file.sync()))
    replaces.push(await took(() => durableWrite(join(folder, "probe"), "z".repeat(2048))))
  }
  await file.close()
  await rm(folder, { recursive: true })
  return {
    fsyncMs: round(median(syncs)),
    fsyncP99Ms: round(quantile(syncs, 0.99)),
    durableReplaceMs: round(median(replaces)),
  }
}

async function took(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

function round(value: number): number {
  return Number(value.toFixed(2))
}

async function load(): Promise<string> {
  return (await readFile("/proc/loadavg", "utf8")).split(" ").slice(0, 3).join(" ")
}

const machine = {
  cores: cpus().length,
  model: cpus()[0]?.model ?? "unknown",
  ...(await disk()),
  loadBefore: await load(),
}
const rows: (Row & { readonly load: string })[] = []
for (const [name, measure] of Object.entries(parts)) {
  if (only !== undefined && !only.includes(name)) continue
  process.stderr.write(`bench: ${name}\n`)
  const before = (await load()).split(" ")[0] ?? ""
  const found = await measure()
  const after = (await load()).split(" ")[0] ?? ""
  rows.push(...found.map((row) => ({ ...row, load: `${before}-${after}` })))
}

const table = [
  ["", "row", "ours", "limit", "ratio", "aim", "load", "how"],
  ...rows.map(({ row, ours, limit, go, peer, ratio, aim, met, note, load: by }) => [
    met ? "met" : "MISS",
    row,
    ours,
    `${limit}${go === undefined ? "" : ` | ${go}`}${peer === undefined ? "" : ` | peer: ${peer}`}`,
    ratio.toFixed(2),
    aim,
    by,
    note,
  ]),
]
const markdown = [
  ["", "ours", "the same work bare", "ratio", "aim", "instead"],
  ["---", "---", "---", "---", "---", "---"],
  ...rows.map(({ row, ours, limit, go, peer, ratio, aim, met }) => [
    row,
    ours,
    go === undefined ? limit : `${limit}; ${go}`,
    ratio.toFixed(2),
    met ? aim : `**${aim}**`,
    peer ?? "–",
  ]),
]
const widths = (table[0] ?? []).map((_, column) =>
  Math.max(...table.map((cells) => cells[column]?.length ?? 0)),
)
if (process.argv.includes("--markdown"))
  for (const cells of markdown) process.stdout.write(`| ${cells.join(" | ")} |\n`)
else
  for (const cells of table)
    process.stdout.write(
      `${cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()}\n`,
    )
process.stdout.write(
  `machine: ${machine.cores} cores, ${machine.model}; fsync ${ms(machine.fsyncMs)} (p99 ` +
    `${ms(machine.fsyncP99Ms)}), durable replace ${ms(machine.durableReplaceMs)}; ` +
    `load ${machine.loadBefore} before, ${await load()} after\n`,
)
if (only === undefined)
  await writeFile(
    join(root, "bench.json"),
    `${JSON.stringify({ short, machine, rows }, null, 1)}\n`,
  )
process.exit(0)
