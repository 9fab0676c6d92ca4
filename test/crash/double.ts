/**
 * Every double cut of the scenarios whose number is `part` modulo `parts`: `bun test/crash/double.ts PART PARTS`. A
 * program of its own, for each cut leaves a process that never ends, with its timers.
 */
import { type Found, explore, scenarios } from "./explore.ts"

const [part = 0, parts = 1] = process.argv.slice(2).map(Number)
const found: Found = { cuts: 0, wrong: new Map() }
for (const [index, scenario] of scenarios.entries())
  if (index % parts === part) await explore(scenario, true, found)
process.stdout.write(JSON.stringify({ cuts: found.cuts, wrong: [...found.wrong] }))
process.exit(0)
