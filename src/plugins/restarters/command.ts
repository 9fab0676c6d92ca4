import { defineRestarter } from "../../core/define.ts"
import {
  argvOf,
  Command,
  dockerVariables,
  hookEnvironment,
  programOf,
  programPath,
} from "../hook-argv.ts"
import { runHook } from "../run-hook.ts"

/**
 * A program of the operator's own; it runs in the config's folder and must end with 0 once the
 * restart is under way.
 */
export const command = defineRestarter({
  type: "command",
  summary: "runs a program that restarts the deployment",
  options: Command,
  open: (options, reach) => {
    const program = programOf(options, reach.folder)
    const hook = {
      says: program,
      argv: argvOf(options, reach.folder),
      cwd: reach.folder,
      env: hookEnvironment(reach, dockerVariables),
    }
    return {
      says: `command ${program}`,
      ...programPath(options, reach.folder),
      restart: (mark, signal) => runHook(hook, mark, signal),
    }
  },
})
