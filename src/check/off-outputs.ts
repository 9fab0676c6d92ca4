import { fileMarks } from "../base/files/file-marks.ts"
import type { Config } from "../config/model.ts"
import { offOutputsOf } from "../core/off-outputs.ts"
import type { Finding } from "../core/ports.ts"
import type { Environment } from "./self-tests/state.ts"

type Read = Pick<Environment, "name" | "document">

/** What the service has seen outputs show, if their files are still as they were then. */
export async function offOutputs(
  config: Config,
  environments: readonly Read[],
  silent: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const found = environments.flatMap(({ name, document }) => {
    if (document?.offOutputs === undefined) return []
    const outputs = config.environments[name]?.outputs ?? []
    return offOutputsOf(document).flatMap((off) => {
      const output = outputs.find(({ target }) => target === off.target && !silent.has(target))
      return output === undefined ? [] : [{ off, paths: [output.target, ...(output.files ?? [])] }]
    })
  })
  const looked = await Promise.all(
    found.map(
      async ({ off: { mark, code, message, remedy }, paths }): Promise<Finding[]> =>
        (await fileMarks(paths)) === mark ? [{ code, severity: "error", message, remedy }] : [],
    ),
  )
  return looked.flat()
}
