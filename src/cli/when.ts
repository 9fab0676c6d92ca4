/** "Sun 29 Nov 03:00 CET": an instant as the environment's people read it. */
export function when(at: Date, timezone: string): string {
  return timezone === "UTC" ? inUtc(at) : inZone(at, timezone)
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"]

/** The same words without loading the zones and languages of the world, which takes longer than all else that `status` does. */
function inUtc(at: Date): string {
  const two = (number: number): string => String(number).padStart(2, "0")
  return `${weekdays[at.getUTCDay()]} ${at.getUTCDate()} ${months[at.getUTCMonth()]} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())} UTC`
}

function inZone(at: Date, timezone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" }).formatToParts(at)
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ""
  return `${part("weekday")} ${part("day")} ${part("month")} ${part("hour")}:${part("minute")} ${part("timeZoneName")}`
}
export function day(at: Date, timezone: string): string {
  return when(at, timezone).split(" ").slice(0, 3).join(" ")
}
