import { AppError } from "../base/error.ts"
import { defaultSchedule } from "../config/defaults.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import { type Schedule, parseSchedule } from "../plan/schedule.ts"

/** The config was checked: its schedule parses. */
export function scheduleOf(options: EnvironmentConfig): Schedule {
  const schedule = parseSchedule(options.schedule ?? defaultSchedule, options.timezone)
  if ("problem" in schedule)
    throw new AppError("config-invalid", `${options.name}: ${schedule.problem}`)
  return schedule
}
