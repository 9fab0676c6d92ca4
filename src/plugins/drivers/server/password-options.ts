import type { Shape } from "../../../base/text/value-shape.ts"
import { ReferenceOptions } from "../../references/options.ts"
import { shapeOf, valueKeys, type ValueOptions, valueProblems } from "../value-options.ts"
import { type Conflict, type Issues, addConflicts } from "./options.ts"

/** How a server's passwords look, and whose password sets them. */

/** Characters of a password: every server here takes as many. */
const limits = { least: 24, most: 256 }

export const passwordKeys = valueKeys(limits)

/** How the passwords of a config are made. */
export function passwordShape(options: ValueOptions): Shape {
  return shapeOf(options, limits)
}

export const adminPassword = ReferenceOptions().meta({ description: "The admin's password" })

/** For `superRefine`: the password's keys, and the driver's own, fit together. */
export function fitting<Options extends ValueOptions>(
  conflicts: (options: Options) => Iterable<Conflict>,
): (options: Options, context: Issues) => void {
  return (options, context) =>
    addConflicts(context, [...valueProblems(options, limits), ...conflicts(options)])
}
