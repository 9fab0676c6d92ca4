import { isWrittenElsewhere, takenBy } from "../app/belongs.ts"
import type { AppError } from "../base/error.ts"
import type { Checked } from "./request.ts"
import { findingOf } from "./self-tests/check.ts"
import type { Environment } from "./self-tests/state.ts"
import type { Finding } from "../core/ports.ts"

/** Why the state of an environment is not this config's; undefined if it is. */
export async function takenIn(
  { config, plugins, host }: Pick<Checked, "config" | "plugins" | "host">,
  { name, document }: Pick<Environment, "name" | "document">,
): Promise<AppError | undefined> {
  const options = config.environments[name]
  return document === undefined || options === undefined
    ? undefined
    : takenBy({ config, plugins, host }, options, document)
}

export async function takenStates(
  checked: Pick<Checked, "config" | "plugins" | "host">,
  environments: readonly Pick<Environment, "name" | "document">[],
): Promise<readonly Finding[]> {
  const suspects = environments.filter(
    ({ document }) => document !== undefined && isWrittenElsewhere(checked.config, document),
  )
  const judged = await Promise.all(
    suspects.map(async (one) => {
      const error = await takenIn(checked, one)
      return error === undefined ? [] : [findingOf(error, one.name)]
    }),
  )
  return judged.flat()
}
