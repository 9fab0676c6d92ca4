/**
 * Double cuts of the scenarios whose number is `part` modulo `parts`:
 * `bun test/crash/double.ts PART PARTS SHARE SEED`. Each second cut after one in SHARE of the first
 * ones, chosen by SEED. A program of its own, for each cut leaves a process that never ends, with
 * its timers.
 */
import { type Chooses, type Found, explore } from "./explore.ts"
import { scenarios } from "./scenarios.ts"

const [part = 0, parts = 1, share = 1, seed = 0] = process.argv.slice(2).map(Number)
const chooses: Chooses = ({ title }, first) =>
  Number(Bun.hash(`${seed} ${title} ${first}`) % BigInt(share)) === 0
const found: Found = { cuts: 0, states: 0, wrong: new Map() }
for (const [index, scenario] of scenarios.entries())
  if (index % parts === part) await explore(scenario, chooses, found)
process.stdout.write(JSON.stringify({ ...found, wrong: [...found.wrong] }))
process.exit(0)
