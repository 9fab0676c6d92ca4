import type { Context } from "./context.ts"
import type { EnvironmentDraft } from "./draft.ts"
import { defaultSchedule } from "./defaults.ts"

/**
 * Schedules that cannot be read, or that leave a secret no chance to change in time. Each distinct
 * one is asked once.
 */
export function checkSchedules(environments: readonly EnvironmentDraft[], context: Context): void {
  const seen = new Set<string>()
  const once = (key: string): boolean => !seen.has(key) && seen.add(key) !== undefined
  const judged = new Map<string, boolean>()
  const zones = new Map<string, boolean>()
  for (const environment of environments) {
    const { schedule, schedulePath, timezone, timezonePath } = environment
    const known = zones.get(timezone) ?? isZone(timezone)
    zones.set(timezone, known)
    if (!known) {
      if (once(JSON.stringify(timezonePath)))
        context.report({
          path: timezonePath,
          message: "no such time zone",
          hint: "a name of the IANA list, such as Europe/Berlin or UTC",
        })
    }
    const parsed = context.parseSchedule(schedule ?? defaultSchedule, "UTC")
    if ("next" in parsed) checkTicks(environment, parsed.next.bind(parsed), context, judged)
    else if (once(JSON.stringify(schedulePath)))
      context.report({ path: schedulePath, message: parsed.problem })
  }
}

function isZone(timezone: string): boolean {
  // Loading the zones costs milliseconds of every start; most configs say nothing else.
  if (timezone === "UTC") return true
  try {
    return new Intl.DateTimeFormat("en", { timeZone: timezone }).resolvedOptions().timeZone !== ""
  } catch {
    return false
  }
}

type Next = (after: Date) => Date | undefined

/**
 * The pattern is judged in UTC, by ordinary days: what a change to summer time does is the plan's
 * to say. `judged`: by pattern and age.
 */
function checkTicks(
  { path, secrets, schedule }: EnvironmentDraft,
  next: Next,
  context: Context,
  judged: Map<string, boolean>,
): void {
  const pattern = schedule ?? defaultSchedule
  for (const { config, agePath } of secrets) {
    const everyMs = config.rotateEveryMs
    if (everyMs === null || everyMs < 60_000) continue
    const key = `${everyMs} ${pattern}`
    const inTime = judged.get(key) ?? ticksWithin(next, everyMs, periodOf(pattern))
    judged.set(key, inTime)
    if (inTime) continue
    // An age said for all environments is right in some of them: the problem is this one's.
    const place =
      agePath !== undefined && agePath.length > path.length
        ? { path: agePath }
        : ({ path, at: "key" } as const)
    const message =
      `${schedule === undefined ? `the default schedule, ${defaultSchedule},` : "its schedule"} ` +
      `does not fire once in each \`rotate_every\``
    context.report({
      ...place,
      message,
      hint: "let a `schedule` fire more often, or allow a greater age",
    })
  }
}

const day = 86_400_000
/** A leap year begins; whether a config is valid does not depend on the day. */
const start = Date.UTC(2028, 0, 1)

/**
 * After how long a pattern begins anew: most say only a time of the day, or days of the week as
 * well.
 */
function periodOf(pattern: string): number {
  const fields = pattern.trim().split(/\s+/)
  const free = (field: string | undefined): boolean => field === "*" || field === "?"
  const [date, month, weekday] = fields.slice(-3)
  if (fields.length < 5 || fields.length > 6 || !free(date) || !free(month)) return 366 * day
  return free(weekday) ? day : 7 * day
}

/**
 * Is there a tick in each window of that length? Skips ahead as far as a tick in time allows: all
 * gaps in between are shorter.
 */
export function ticksWithin(next: Next, everyMs: number, periodMs = 366 * day): boolean {
  let tick = next(new Date(start))?.getTime()
  for (let step = 0; step < 2000; step++) {
    if (tick === undefined) return false
    if (tick > start + 2 * periodMs) return true
    tick = lateTick(next, tick, everyMs)
  }
  return true
}

/**
 * A tick after `from`, at most `everyMs` later, rather late than early; undefined if there is none.
 */
function lateTick(next: Next, from: number, everyMs: number): number | undefined {
  for (const share of [0.99, 0.9, 0.5, 0]) {
    const tick = next(new Date(from + Math.floor(everyMs * share)))?.getTime()
    if (tick !== undefined && tick > from && tick <= from + everyMs) return tick
  }
  return undefined
}
