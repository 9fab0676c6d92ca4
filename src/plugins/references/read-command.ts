import { resolve } from "node:path"
import { AppError } from "../../base/error.ts"
import { changeableIn } from "../../base/files/command-files.ts"
import { failureOf } from "../../base/processes/spawn.ts"
import type { ReferenceReach } from "../../core/define.ts"

const commandMs = 30_000

/** The program gets the PATH of all our programs and HOME, nothing else of our environment. */
export async function outputOf(argv: readonly string[], reach: ReferenceReach): Promise<string> {
  const [program = "", ...rest] = argv
  const path = program.includes("/") ? resolve(reach.folder, program) : undefined
  const command = [path ?? program, ...rest]
  const fault = await changeableIn({ argv: command, folder: reach.folder })
  if (fault !== undefined)
    throw new AppError(
      "reference-open",
      `${fault.path} ${fault.message}: it could give a credential of theirs`,
      { hint: fault.remedy },
    )
  const home = reach.env("HOME")
  const result = await reach.run(command, {
    timeoutMs: commandMs,
    cwd: reach.folder,
    ...(home === undefined ? {} : { env: { HOME: home } }),
  })
  const failure = failureOf(program, result)
  if (failure !== undefined) throw failure
  return result.stdout
}
