import { openOutput } from "../app/open-plugins.ts"
import type { Checked } from "./request.ts"
import type { Entries } from "./self-tests/entries.ts"

/** Outputs that are entries of secret managers. */
export function entriesOf(checked: Checked): Entries["entries"] {
  return Object.values(checked.config.environments).flatMap((environment) =>
    environment.outputs
      .filter(({ entry }) => entry === true)
      .map((output) => ({
        place: environment.name,
        output: openOutput(checked, environment, output),
      })),
  )
}
