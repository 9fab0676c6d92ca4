/** "Sun 29 Nov 03:00 CET": an instant as the environment's people read it. */
export function when(at: Date, timezone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" }).formatToParts(at)
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ""
  return `${part("weekday")} ${part("day")} ${part("month")} ${part("hour")}:${part("minute")} ${part("timeZoneName")}`
}
export function day(at: Date, timezone: string): string {
  return when(at, timezone).split(" ").slice(0, 3).join(" ")
}
