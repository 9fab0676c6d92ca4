/**
 * Another user of the machine against root: outputs of every kind are written, gone back to,
 * adopted and removed in folders that this user owns or shares, while they swap folders, files and
 * links there, plant files and pipes, and exchange two names at once (renameat2). Counted: what
 * changed outside their folders, and which values they read.
 * `bun scripts/swaps.ts [--rounds N] [--seed N] [--thieves N]`, as root; needs python3.
 */
import { columns } from "../src/cli/columns.ts"
import { swaps } from "./swaps/swaps.ts"
import { optionsOf } from "./usage.ts"

const { values } = optionsOf("bun scripts/swaps.ts [--rounds N] [--seed N] [--thieves N]", {
  rounds: { type: "string" },
  seed: { type: "string" },
  thieves: { type: "string" },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const { ends, did, reads, changed, odd } = await swaps({
  rounds: Number(values.rounds ?? 10_000),
  seed,
  thieves: Number(values.thieves ?? 2),
})

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, one) => sum + one, 0)
const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ")
console.log(
  columns([
    ["output", "rounds", "ends"],
    ...Object.entries(ends).map(([name, counts]) => [name, String(total(counts)), list(counts)]),
  ]).join("\n"),
)
console.log(
  `rounds: ${Object.values(ends).reduce((sum, one) => sum + total(one), 0)}, ` +
    `seed ${seed}; the other user: ${total(did)} acts (${list(did)})`,
)
console.log(
  `changed outside: ${changed.length}; values read: ${reads.length}; ` +
    `errors that are no sentence: ${odd.length}`,
)
for (const message of [...changed, ...reads, ...odd].slice(0, 20)) console.log(message)
process.exitCode = changed.length + reads.length + odd.length === 0 ? 0 : 1
