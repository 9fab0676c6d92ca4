import { AppError } from "../base/error.ts"
import { markVariable } from "../base/processes/marked-processes.ts"
import { runTrusted } from "../base/processes/run-trusted.ts"
import { type RunResult, failureOf } from "../base/processes/spawn.ts"

export type Hook = {
  /** How messages call it. */
  readonly label: string
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Why it failed, by what it printed, in words that hold no value. */
  readonly reasonOf?: (
    result: RunResult,
  ) => { readonly message: string; readonly hint: string } | undefined
}

/**
 * The engine's deadline (`timeoutMs` of the deployment) comes as `signal`; this only bounds a
 * caller that has none.
 */
const longestMs = 3_600_000

/**
 * Runs a restart hook to its success; `restart-failed` says its exit code, never its output: that
 * may hold values.
 */
export async function runHook(hook: Hook, mark: string, signal: AbortSignal): Promise<void> {
  const result = await runTrusted(hook.argv, {
    cwd: hook.cwd,
    env: { ...hook.env, [markVariable]: mark },
    timeoutMs: longestMs,
    signal,
  })
  const failure = failureOf(hook.label, result)
  if (failure === undefined) return
  if (failure.code === "program-timeout") throw failure
  const reason = hook.reasonOf?.(result)
  if (reason !== undefined)
    throw new AppError("restart-failed", `${failure.message}: ${reason.message}`, {
      remedy: "retry",
      hint: reason.hint,
    })
  throw new AppError("restart-failed", failure.message, {
    remedy: "retry",
    hint: `its output is not kept, for it may hold values: run it by hand in ${hook.cwd}`,
  })
}
