import type { z } from "zod"
import type { Shape } from "../../../base/value-shape.ts"
import { shapeOf, valueProblems } from "../value-options.ts"
import { conflicts } from "./conflicts.ts"
import { Keys, valueLimits } from "./option-keys.ts"

/** What a config says about one PostgreSQL role, or a pair. */
export const Options = Keys.superRefine((options, context) => {
  for (const { path, says } of valueProblems(options, valueLimits))
    context.addIssue({ code: "custom", path: [path], message: says })
  for (const { path, says } of conflicts(options))
    context.addIssue({ code: "custom", path: [...path], message: says })
})
export type Options = z.output<typeof Options>

/** How its values are made. */
export function valueShape(options: Options): Shape {
  return shapeOf(options, valueLimits)
}
