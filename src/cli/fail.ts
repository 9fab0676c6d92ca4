import { AppError } from "../base/error.ts"
import type { Terminal } from "./command.ts"
import { exitCodeOf, exitCodes } from "./exit-codes.ts"

/** One clear sentence and a hint, on stderr; never a stack, never what another program said. */
export async function fail(terminal: Terminal, error: unknown): Promise<number> {
  if (error instanceof AppError) {
    // Every problem of a config at once. The error is recognised by its shape, because the config's
    // code is loaded late.
    if ("problems" in error && Array.isArray(error.problems))
      return await failConfig(terminal, error)
    terminal.stderr(`mycelium: ${error.message}`)
    if (error.hint !== undefined) terminal.stderr(`  hint: ${error.hint}`)
    return exitCodeOf(error.code)
  }
  terminal.stderr(
    `mycelium: an unexpected error inside mycelium (${error instanceof Error ? error.name : "unknown"})`,
  )
  if (terminal.host.env("MYCELIUM_DEBUG") === "stack" && error instanceof Error)
    terminal.stderr((error.stack ?? "").split("\n").slice(1).join("\n"))
  terminal.stderr("  hint: nothing more was done; please report what you did, without any value")
  return exitCodes.failed
}

async function failConfig(terminal: Terminal, error: AppError): Promise<number> {
  const { ConfigProblems, formatAll } = await import("../config/problems.ts")
  if (error instanceof ConfigProblems) terminal.stderr(formatAll(error))
  return exitCodes.config
}
