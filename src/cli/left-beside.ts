import type { App } from "../app/app.ts"
import { type LeftEnvironment, leftEnvironments } from "../check/left-environments.ts"
import type { Selection } from "./selection.ts"

/**
 * All is more than the config says: an environment that was taken out of it has services, too, and
 * values that they may accept still. None if a person has chosen secrets by name.
 */
export async function leftBeside(
  { config }: Pick<App, "config">,
  chosen: Selection,
): Promise<readonly LeftEnvironment[]> {
  const isNarrow = [...chosen.values()].some((secrets) => secrets !== undefined)
  return isNarrow ? [] : leftEnvironments(config)
}
