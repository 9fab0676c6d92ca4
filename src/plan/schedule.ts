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
  let cron: Cron
  try {
    // UTC as an offset: loading the time zones costs milliseconds, and most configs need none.
    cron = new Cron(pattern, {
      ...(timezone === "UTC" ? { utcOffset: 0 } : { timezone }),
      paused: true,
    })
  } catch {
    return { problem: 'the schedule is no cron pattern: five fields, as in "0 3 * * SUN"' }
  }
  const schedule: Schedule = {
    pattern,
    timezone,
    ...remembering({
      next: (at) => cron.nextRun(at) ?? undefined,
      previous: (at) => cron.previousRuns(1, at)[0],
    }),
  }
  return schedule.next(new Date(0)) === undefined
    ? { problem: "the schedule names no time that ever comes" }
    : schedule
}

/** Two ticks with none between them (ms). */
type Between = { readonly from: number; readonly to: number }
/** How many are remembered: those found last. */
const remembered = 16

/**
 * Remembers the ticks on both sides of an answer: thousands of secrets that were rotated in one night
 * lie between the same two, and croner is asked once.
 */
function remembering(
  ticks: Pick<Schedule, "next" | "previous">,
): Pick<Schedule, "next" | "previous"> {
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
