import { present } from "../base/present.ts"
import { dryRun as look } from "../incident/dry-run.ts"
import type { DryRunOptions, DryRun as Plan } from "../incident/dry-run/plan.ts"
import type { App } from "../app/app.ts"
import type { LeftEnvironment } from "../check/left-environments.ts"
import { type Terminal, type Values, isSet, textOf } from "./command.ts"
import { linesOf } from "./dry-run-lines.ts"
import { exitCodes } from "./exit-codes.ts"
import { leftBeside } from "./left-beside.ts"
import { hintLines } from "./words.ts"

/** Prints what a rotation would do, step by step, and what would block it. */
export async function dryRun(
  terminal: Terminal,
  values: Values,
  app: App,
  chosen: ReadonlyMap<string, readonly string[] | undefined>,
): Promise<number> {
  const why = whyOf(values)
  // As the command itself in the end: what is silent now is waited for.
  const contain: DryRunOptions["contain"] =
    why === "incident"
      ? { revokeFirst: isSet(values, "revoke-first"), longRetries: true }
      : undefined
  const options = {
    why,
    ...present({ contain }),
    skipGrace: isSet(values, "skip-grace"),
    ...present({ incident: textOf(values, "incident") }),
  }
  const plans: Plan[] = []
  for (const [environment, secrets] of chosen)
    plans.push(await look(app, environment, { ...options, ...present({ secrets }) }))
  const left = why === "incident" ? await leftBeside(app, chosen) : []
  if (isSet(values, "json"))
    terminal.stdout(JSON.stringify({ plans, ...(left.length === 0 ? {} : { left }) }))
  else {
    for (const plan of plans)
      for (const line of linesOf(plan, why === "incident")) terminal.stdout(line)
    for (const line of left.flatMap(leftLines)) terminal.stdout(line)
  }
  const shows = plans.flatMap((plan) => plan.shows ?? [])
  if (left.length > 0 || shows.some(({ isLive }) => isLive)) return exitCodes.person
  const code = exitOf(plans, why === "incident")
  return code === exitCodes.done && shows.length > 0 ? exitCodes.partly : code
}

function leftLines({ name, remedy }: LeftEnvironment): readonly string[] {
  return [
    `NOT changed ${name}: it has a state and is not in the config, so its services cannot be reached`,
    ...hintLines(remedy),
  ]
}

function whyOf(values: Values): "incident" | "new" | "asked" {
  if (isSet(values, "contain")) return "incident"
  return isSet(values, "new") ? "new" : "asked"
}

/** Why only a person can end a rotation. */
const personsCodes: ReadonlySet<string> = new Set(["stuck", "drifted"])

function exitOf(plans: readonly Plan[], contains: boolean): number {
  const secrets = plans.flatMap((plan) => plan.secrets)
  const blocked = secrets.filter((one) => one.blocked !== undefined).length
  // As the command itself: if no secret has a value that could be rotated, nothing is done.
  const nothing = secrets.length === 0 && plans.every((plan) => plan.unfinished.length === 0)
  if (nothing && plans.some((plan) => plan.untouched.length > 0)) return exitCodes.failed
  const kept = plans.flatMap(({ unfinished }) =>
    unfinished.filter((one) => one.kept !== undefined && one.ends !== true),
  )
  const holds = !contains && kept.some(({ blocks }) => blocks === true)
  const cut = plans.some((plan) => plan.cutOff === true)
  const stuck = kept.some(({ kept: why = [] }) => why.some(({ code }) => personsCodes.has(code)))
  if (kept.length > 0)
    return holds || cut || stuck || blocked > 0 ? exitCodes.person : exitCodes.partly
  if (blocked === 0 && plans.every((plan) => plan.fault === undefined && plan.leaves.length === 0))
    return exitCodes.done
  return blocked < secrets.length ? exitCodes.partly : exitCodes.failed
}
