import { failureOf, run } from "../../base/processes/spawn.ts"
import { defineHealth } from "../../core/define.ts"
import {
  argvOf,
  Command,
  dockerVariables,
  hookEnvironment,
  programOf,
  programPath,
} from "../hook-argv.ts"

/**
 * A program of the operator's own that ends with 0 once the deployment works; asked again and again
 * until then.
 */
export const command = defineHealth({
  type: "command",
  summary: "a program ends with code 0",
  options: Command().meta({ examples: [["./is-healthy"]] }),
  open: (options, context) => {
    const program = programOf(options, context.folder)
    return {
      label: `command ${program}`,
      ...programPath(options, context.folder),
      healthy: async (signal) => {
        const result = await run(argvOf(options, context.folder), {
          cwd: context.folder,
          env: hookEnvironment(context, dockerVariables),
          timeoutMs: tryMs,
          signal,
        })
        return failureOf(program, result)?.message ?? true
      },
    }
  },
})

const tryMs = 10_000
