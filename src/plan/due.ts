import type { Schedule } from "./schedule.ts"

/**
 * When a secret that was rotated at `rotatedAt` must be rotated again, so that it never gets older than `everyMs`: at the
 * last tick not after that age. Where there is none (an hour more on the day when clocks go back), at the next tick.
 */
export function dueAt(schedule: Schedule, rotatedAt: Date, everyMs: number): Date | undefined {
  const oldest = new Date(rotatedAt.getTime() + everyMs)
  // A tick at that very instant still counts: "before" is asked one second later, for ticks are whole seconds.
  const last = schedule.previous(new Date(Math.floor(oldest.getTime() / 1000) * 1000 + 1000))
  return last !== undefined && last.getTime() > rotatedAt.getTime() ? last : schedule.next(rotatedAt)
}
