/**
 * Two commands of the binary at the same time on two secrets of one environment, again and again:
 * is an update ever lost? `bun scripts/two-at-once.ts [--pairs N]`, 200 if left out.
 */
import { openTwo, rotatePairs } from "../test/support/two-at-once.ts"
import { optionsOf } from "./usage.ts"

const { values } = optionsOf("bun scripts/two-at-once.ts [--pairs N]", {
  pairs: { type: "string" },
})
const pairs = Number(values.pairs ?? 200)
const began = performance.now()
await using project = await openTwo()
const { refused, faults } = await rotatePairs(project, pairs)
for (const fault of faults) console.error(fault)
console.log(
  `${pairs} pairs at once: in ${refused} the second was refused with exit 6 and the holder's ` +
    "name, then went through; " +
    `${faults.length} faults, ${Math.round((performance.now() - began) / 1000)} s`,
)
process.exitCode = faults.length === 0 ? 0 : 1
