/**
 * Explores one job after another: `bun test/crash/interleavings/main.ts [--all] [--plan TEXT]
 * [--part N --parts N] [--json]`. A program of its own, for it takes the clock away: a deadline
 * never passes unless a schedule says so.
 */
import { parseArgs } from "node:util"
import { explore } from "./explore.ts"
import { type Job, long, short } from "./plans.ts"

export type Said = {
  readonly title: string
  readonly states: number
  readonly schedules: number
  readonly acts: number
  readonly rotated: number
  readonly wrong: readonly (readonly [string, string])[]
  readonly ms: number
}

const { values } = parseArgs({
  options: {
    all: { type: "boolean" },
    plan: { type: "string" },
    part: { type: "string" },
    parts: { type: "string" },
    json: { type: "boolean" },
  },
})
const [part, parts] = [Number(values.part ?? 0), Number(values.parts ?? 1)]
globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout
globalThis.clearTimeout = () => undefined

const jobs = (values.all === true ? long : short)
  .filter(({ plan }) => plan.title.includes(values.plan ?? ""))
  .filter((_, index) => index % parts === part)
let faulty = false
for (const job of jobs) {
  const { states, schedules, acts, rotated, wrong, ms } = await timed(job)
  faulty ||= wrong.length > 0
  const said: Said = { title: titleOf(job), states, schedules, acts, rotated, wrong, ms }
  console.log(
    values.json === true
      ? JSON.stringify(said)
      : `${said.title}: ${states} states, ${schedules} schedules, ${acts} acts, ` +
          `${wrong.length} faults, ${ms} ms`,
  )
  if (values.json !== true) for (const [fault, way] of wrong) console.log(`  ${fault}\n    ${way}`)
}
process.exit(faulty ? 1 : 0)

async function timed({ plan, asked, faults }: Job): Promise<Omit<Said, "title">> {
  const began = process.cpuUsage().user
  const found = await explore(plan, faults, asked)
  return {
    ...found,
    wrong: [...found.wrong],
    ms: Math.round((process.cpuUsage().user - began) / 1000),
  }
}

function titleOf({ plan, asked, faults }: Job): string {
  const most = Object.entries(faults)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
  return `${plan.title} (asked ${asked} times, at most ${most.join(", ")})`
}
