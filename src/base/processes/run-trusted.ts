import { refuseChangeable } from "../files/command-files.ts"
import { type RunOptions, type RunResult, run } from "./spawn.ts"

/**
 * Runs a command that the config names; throws `hook-writable` instead if another user can change
 * a file that it runs: they would have our rights.
 */
export async function runTrusted(
  argv: readonly string[],
  options: RunOptions & { readonly cwd: string },
): Promise<RunResult> {
  await refuseChangeable({ argv, folder: options.cwd })
  return run(argv, options)
}
