import { Cron } from "croner"

/** Only this file knows croner, which answers "when next after?"; the loop is the daemon's. */
export interface Schedule {
  readonly pattern: string
  readonly timezone: string
  /** The first tick after `at`; undefined if there is none. */
  next(at: Date): Date | undefined
  /** The last tick before `at`; undefined if there is none. */
  previous(at: Date): Date | undefined
}

const known = new Map<string, Schedule | { readonly problem: string }>()

/** One answer for each pattern and zone, however many secrets share it; or what is wrong with it. */
export function parseSchedule(
  pattern: string,
  timezone: string,
): Schedule | { readonly problem: string } {
  const key = `${pattern}\n${timezone}`
  const found = known.get(key) ?? read(pattern, timezone)
  known.set(key, found)
  return found
}

function read(pattern: string, timezone: string): Schedule | { readonly problem: string } {
  if (!isTimezone(timezone))
    return { problem: "the timezone is not known: write it as in Europe/Berlin" }
  let ticks: Ticks
  try {
    ticks = cronTicks(pattern, timezone)
  } catch {
    return { problem: faultIn(pattern) }
  }
  const schedule: Schedule = { pattern, timezone, ...remembering(ticks) }
  return schedule.next(new Date(0)) === undefined
    ? { problem: `the schedule names no time that ever comes${whyNever(pattern)}` }
    : schedule
}

type Ticks = Pick<Schedule, "next" | "previous">

function cronTicks(pattern: string, timezone: string): Ticks {
  // UTC as an offset: loading the time zones costs milliseconds, and most configs need none.
  const cron = new Cron(pattern, {
    ...(timezone === "UTC" ? { utcOffset: 0 } : { timezone }),
    paused: true,
  })
  return {
    next: (at) => cron.nextRun(at) ?? undefined,
    previous: (at) => cron.previousRuns(1, at)[0],
  }
}

/** What may stand in each field of five. */
const fieldsOf = [
  { name: "minute", range: "0 to 59" },
  { name: "hour", range: "0 to 23" },
  { name: "day of the month", range: "1 to 31, or L" },
  { name: "month", range: "1 to 12, or JAN to DEC" },
  { name: "day of the week", range: "0 to 7, or SUN to SAT" },
] as const

/** Which field it is, not what stands there: that could be anything that was pasted. */
function faultIn(pattern: string): string {
  const fields = pattern.trim().split(/\s+/)
  const example = 'as in "0 3 * * SUN"'
  if (fields.length !== fieldsOf.length)
    return `the schedule is no cron pattern: five fields, ${example}; it has ${fields.length}`
  const wrong = fieldsOf.filter((_, at) => !isPattern(onlyField(fields, at)))
  if (wrong.length === 0) return `the schedule is no cron pattern: five fields, ${example}`
  const named = wrong.map(({ name, range }) => `its ${name} (${range})`).join(", ")
  return `the schedule is no cron pattern: ${named} ${wrong.length === 1 ? "is" : "are"} wrong; ${example}`
}

/** The others say nothing. */
function onlyField(fields: readonly string[], kept: number): string {
  return fields.map((field, at) => (at === kept ? field : "*")).join(" ")
}

function isPattern(pattern: string): boolean {
  try {
    return new Cron(pattern, { paused: true, utcOffset: 0 }).getPattern() !== undefined
  } catch {
    return false
  }
}

/** If it would come on another day. */
function whyNever(pattern: string): string {
  const fields = pattern.trim().split(/\s+/)
  if (fields.length !== fieldsOf.length) return ""
  const anyDay = fields.map((field, at) => (at === 2 ? "*" : field)).join(" ")
  const comes = new Cron(anyDay, { paused: true, utcOffset: 0 }).nextRun(new Date(0)) !== null
  return comes ? ": no month that it names has its day of the month" : ""
}

/** Two ticks with none between them (ms). */
type Between = { readonly from: number; readonly to: number }
/** How many are remembered: those found last. */
const remembered = 16

/**
 * Remembers the ticks on both sides of an answer: thousands of secrets that were rotated in one night
 * lie between the same two, and croner is asked once.
 */
function remembering(ticks: Ticks): Ticks {
  const known: Between[] = []
  const remember = (from: Date | undefined, to: Date | undefined): void => {
    if (from === undefined || to === undefined) return
    known.unshift({ from: from.getTime(), to: to.getTime() })
    known.length = Math.min(known.length, remembered)
  }
  return {
    next: (at) => {
      const found = known.find(({ from, to }) => from <= at.getTime() && at.getTime() < to)
      if (found !== undefined) return new Date(found.to)
      const tick = ticks.next(at)
      if (tick !== undefined) remember(ticks.previous(tick), tick)
      return tick
    },
    previous: (at) => {
      const found = known.find(({ from, to }) => from < at.getTime() && at.getTime() <= to)
      if (found !== undefined) return new Date(found.from)
      const tick = ticks.previous(at)
      if (tick !== undefined) remember(tick, ticks.next(tick))
      return tick
    },
  }
}

function isTimezone(timezone: string): boolean {
  if (timezone === "UTC") return true
  try {
    return Intl.DateTimeFormat("en", { timeZone: timezone }).resolvedOptions().timeZone !== ""
  } catch {
    return false
  }
}
