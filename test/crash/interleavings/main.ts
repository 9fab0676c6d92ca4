/**
 * Explores one plan after another: `bun test/crash/interleavings/main.ts [--plan TEXT]… [--crashes N] [--late N] [--silences N] [--failures N]`.
 * A program of its own, for it takes the clock away: a deadline never passes unless a schedule says so.
 */
import { parseArgs } from "node:util"
import { explore } from "./explore.ts"
import { faults, plans } from "./plans.ts"

const { values } = parseArgs({ options: { plan: { type: "string", multiple: true }, asked: { type: "string" }, crashes: { type: "string" }, late: { type: "string" }, silences: { type: "string" }, failures: { type: "string" } } })
const began = performance.now()
globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout
globalThis.clearTimeout = () => undefined
const wanted = plans.filter(({ title }) => values.plan?.some((part) => title.includes(part)) ?? true)
const given = Object.fromEntries(Object.entries(faults).map(([name, count]) => [name, Number(values[name as keyof typeof faults] ?? count)])) as typeof faults
for (const plan of wanted) {
  const since = process.cpuUsage()
  const { schedules, states, acts, rotated, wrong } = await explore(plan, given, Number(values.asked ?? 3))
  console.log(`${plan.title}: ${states} states, ${schedules} schedules, ${acts} acts, ${rotated} rotated, ${wrong.size} faults, ${Math.round(process.cpuUsage(since).user / 1000)} ms`)
  for (const [fault, way] of wrong) console.log(`  ${fault}\n    ${way}`)
}
console.log(`${Math.round(performance.now() - began)} ms`)
