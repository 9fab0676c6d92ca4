/**
 * "Sun 29 Nov 03:00 CET", or "Mon 1 Feb 2027 03:00 CET" in another year than `now`: an instant as
 * the environment's people read it.
 */
export function when(at: Date, timezone: string, now: Date): string {
  return [...dateOf(at, timezone, now), ...partsOf(at, timezone).time].join(" ")
}
export function day(at: Date, timezone: string, now: Date): string {
  return dateOf(at, timezone, now).join(" ")
}

type Parts = {
  readonly date: readonly string[]
  readonly year: string
  readonly time: readonly string[]
}

const known = new Map<string, Parts>()
const mostKnown = 1000

/** Of thousands of secrets most are due at the same few instants. */
function partsOf(at: Date, timezone: string): Parts {
  const key = `${at.getTime()} ${timezone}`
  const found = known.get(key) ?? (timezone === "UTC" ? inUtc(at) : inZone(at, timezone))
  if (known.size < mostKnown) known.set(key, found)
  return found
}

function dateOf(at: Date, timezone: string, now: Date): readonly string[] {
  const { date, year } = partsOf(at, timezone)
  return year === partsOf(now, timezone).year ? date : [...date, year]
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"]

/** The same words without loading all zones and languages, which takes longer than `status` itself. */
function inUtc(at: Date): Parts {
  const two = (number: number): string => String(number).padStart(2, "0")
  return {
    date: [weekdays[at.getUTCDay()] ?? "", String(at.getUTCDate()), months[at.getUTCMonth()] ?? ""],
    year: String(at.getUTCFullYear()),
    time: [`${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`, "UTC"],
  }
}

function inZone(at: Date, timezone: string): Parts {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).formatToParts(at)
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ""
  return {
    date: [part("weekday"), part("day"), part("month")],
    year: part("year"),
    time: [`${part("hour")}:${part("minute")}`, part("timeZoneName")],
  }
}
