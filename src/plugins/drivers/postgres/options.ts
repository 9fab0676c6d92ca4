import type { z } from "zod"
import type { Shape } from "../../../base/text/value-shape.ts"
import { addConflicts } from "../server/options.ts"
import { shapeOf, valueProblems } from "../value-options.ts"
import { conflicts } from "./conflicts.ts"
import { Keys, valueLimits } from "./option-keys.ts"

/** What a config says about one PostgreSQL role, or a pair. */
export const PostgresOptions = Keys.superRefine((options, context) => {
  addConflicts(context, [...valueProblems(options, valueLimits), ...conflicts(options)])
})
export type PostgresOptions = z.output<typeof PostgresOptions>

/** How its values are made. */
export function valueShape(options: PostgresOptions): Shape {
  return shapeOf(options, valueLimits)
}
