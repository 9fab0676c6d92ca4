import { defineRestarter } from "../../core/define.ts"
import { argvOf, Command, dockerVariables, hookEnvironment, programOf } from "../hook-argv.ts"
import { runHook } from "../run-hook.ts"

/**
 * A program of the operator's own; it runs in the config's folder and must end with 0 once the
 * restart is under way.
 */
export const command = defineRestarter({
  type: "command",
  summary: "runs a program that restarts the deployment",
  options: Command(),
  open: (options, context) => {
    const program = programOf(options, context.folder)
    const hook = {
      label: program,
      argv: argvOf(options, context.folder),
      cwd: context.folder,
      env: hookEnvironment(context, dockerVariables),
    }
    return {
      label: `command ${program}`,
      runs: { argv: hook.argv, folder: context.folder },
      restart: (mark, signal) => runHook(hook, mark, signal),
    }
  },
})
