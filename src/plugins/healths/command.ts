import { runTrusted } from "../../base/processes/run-trusted.ts"
import { failureOf } from "../../base/processes/spawn.ts"
import { defineHealth } from "../../core/define.ts"
import { argvOf, Command, dockerVariables, hookEnvironment, programOf } from "../hook-argv.ts"

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
    const argv = argvOf(options, context.folder)
    return {
      label: `command ${program}`,
      runs: { argv, folder: context.folder },
      healthy: async (signal) => {
        const result = await runTrusted(argv, {
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
