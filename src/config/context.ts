import type { DriverType, HealthType, OutputType, RestarterType } from "../core/define.ts"
import type { Path, Report } from "./problems.ts"
import { AppError } from "../base/error.ts"

/** The registries: what a config may name. */
export type Plugins = {
  readonly drivers: readonly DriverType[]
  readonly outputs: readonly OutputType[]
  readonly restarters: readonly RestarterType[]
  readonly healths: readonly HealthType[]
}

/** Those that a text may mean, by their names in it; all without one. */
export type PluginsFor = (text?: string) => Promise<Plugins>

/**
 * When a pattern fires; `plan/schedule.ts` has the real one. `problem` is said to people and
 * repeats nothing of the pattern.
 */
export type ParseSchedule = (
  pattern: string,
  timezone: string,
) => { next(after: Date): Date | undefined } | { readonly problem: string }

/** What the config needs of the machine, save its file. */
export type Surroundings = {
  /** One variable of our own environment. */
  env(name: string): string | undefined
  readonly parseSchedule: ParseSchedule
  /** The text of a file that is part of the config; throws if it cannot be read. */
  readText?(path: string): string
}

/** What each part of the config needs while it is read. */
export type Context = Required<Surroundings> & {
  readonly file: string
  readonly folder: string
  readonly plugins: Plugins
  readonly report: Report
}

/**
 * Asks a plug-in about options that its schema accepted. If it throws, that is a problem of the
 * config, not a crash.
 */
export function ask<Answer>(
  context: Context,
  path: Path,
  question: () => Answer,
): Answer | undefined {
  try {
    return question()
  } catch (error) {
    const message = error instanceof AppError ? error.message : "these options cannot be used"
    context.report({
      path,
      message,
      ...(error instanceof AppError && error.hint !== undefined ? { hint: error.hint } : {}),
    })
    return undefined
  }
}
