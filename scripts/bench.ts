/** `bun run bench [--short]`: one table, each row a ratio taken in one run: ours beside the same work with nothing around it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { durableWrite } from "../src/base/durable-write.ts"
import { generatedRow } from "./bench/generated.ts"
import { type Row, median, ms } from "./bench/measure.ts"
import { postgresRow } from "./bench/postgres.ts"
import { startRow } from "./bench/start.ts"

const short = process.argv.includes("--short")
const root = join(import.meta.dirname, "..")

/** How long one durable replace of 2 KB takes here: the clock of most rows. */
async function fsyncMs(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  const times: number[] = []
  for (let count = 0; count < 50; count++) {
    const began = performance.now()
    await durableWrite(join(folder, "probe"), "z".repeat(2048))
    times.push(performance.now() - began)
  }
  await rm(folder, { recursive: true })
  return median(times)
}

const rows: readonly Row[] = [
  await startRow(join(root, "dist", "mycelium"), process.execPath, short ? 15 : 40),
  await generatedRow(short ? 5 : 11, short ? 20 : 50),
  await postgresRow(short ? 5 : 11, short ? 5 : 20),
]
const machine = { cores: cpus().length, model: cpus()[0]?.model ?? "unknown", durableReplaceMs: Number((await fsyncMs()).toFixed(2)) }
for (const { row, ours, limit, ratio, aim, met, note } of rows) process.stdout.write(`${met ? "met " : "MISS"}  ${row.padEnd(36)} ${ours.padEnd(22)} limit ${limit.padEnd(48)} ratio ${ratio.toFixed(2)} (${aim})  ${note}\n`)
process.stdout.write(`machine: ${machine.cores} cores, ${machine.model}; one durable replace ${ms(machine.durableReplaceMs)}\n`)
await writeFile(join(root, "bench.json"), `${JSON.stringify({ short, machine, rows }, null, 1)}\n`)
