/**
 * Do the programs that read `.env` files read what we wrote? Writes files of three hard values each
 * for each `for:`, and beside them as the Python program wrote them, gives them to every reader
 * that can be had here, and prints per cent of files intact. Exit 1 if a file of `portable`, or of
 * a reader's own, is read otherwise than meant.
 *
 *   bun run readers [--files 1000] [--seed TEXT] [--only NAME,NAME] [--quick]
 *
 * --quick: only the readers' own modes, `portable` and the seed's. Values come from the seed, which
 * is printed.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { catalogue } from "./readers/catalogue.ts"
import type { Ask } from "./readers/real.ts"
import { type Batch, type Mode, modes, writeFiles } from "./readers/files.ts"
import { type Intact, type Row, isBroken, sayTable } from "./readers/table.ts"
import { optionsOf } from "./usage.ts"

const { values: given } = optionsOf(
  "bun scripts/readers.ts [--files 1000] [--seed TEXT] [--only NAME,NAME] [--quick]",
  {
    files: { type: "string", default: "1000" },
    seed: { type: "string", default: "mycelium" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
  },
)
const count = Number(given.files)
if (!Number.isInteger(count) || count < 1) throw new Error("--files takes a whole number from 1")

const started = performance.now()
const folder = mkdtempSync(join(tmpdir(), "readers-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1))
chmodSync(folder, 0o755)
const cwd = join(folder, "empty")
mkdirSync(cwd, { mode: 0o755 })

const batches = new Map(
  [...modes, "bare" as const].map((mode) => [mode, writeFiles(folder, mode, count, given.seed)]),
)
const rows: Row[] = []
for (const real of catalogue.filter(
  ({ name }) => given.only === undefined || given.only.split(",").includes(name),
)) {
  const ask = await real.ready()
  const since = performance.now()
  if ("why" in ask) {
    rows.push({ name: real.name, own: real.own, missing: ask.why, intact: new Map() })
    continue
  }
  const intact = new Map<Mode, Intact>()
  for (const mode of modes) {
    const foreign = mode !== "seed" && mode !== "portable" && !real.own.includes(mode)
    const few = given.quick ? 0 : (real.few ?? count)
    const some = foreign ? few : count
    // Its file has no comments, so the header that a whole portable file has is an error there.
    const batch = batches.get(mode === "portable" && real.own.includes("github") ? "bare" : mode)
    if (batch !== undefined && some > 0)
      intact.set(mode, {
        share: await shareIntact(ask, batch.files.slice(0, some)),
        sampled: some < count,
      })
  }
  rows.push({ name: real.name, own: real.own, intact })
  process.stderr.write(`${real.name}: ${((performance.now() - since) / 1000).toFixed(1)} s\n`)
}
process.stdout.write(
  sayTable(rows, batches, {
    count,
    seed: given.seed,
    seconds: (performance.now() - started) / 1000,
  }),
)
process.exitCode = rows.some(isBroken) ? 1 : 0

async function shareIntact(ask: Ask, files: Batch["files"]): Promise<number> {
  const found = await ask(
    files.map(({ path }) => path),
    cwd,
  )
  return (
    files.filter(({ meant }) => [...meant].every(([name, value]) => found.get(name) === value))
      .length / files.length
  )
}
