import { present } from "../base/present.ts"
import { formatDuration } from "../base/text/duration.ts"
import { AppError, describeError } from "../base/error.ts"
import { refuseChangeable } from "../base/files/command-files.ts"
import type { Host } from "../base/system/host.ts"
import { watchMark } from "../base/processes/live-marks.ts"
import { endMarked, type LookOptions } from "../base/processes/marked-processes.ts"
import type { ProgramNotes } from "../base/processes/program-notes.ts"
import { beginStopwatch, deadlineOf } from "../base/processes/run-time.ts"
import type { Deployment, Health as Ask } from "../core/ports.ts"
import { askHealth, throwIfStopped } from "./ask-health.ts"

export type Restarted =
  /** `gapMs`: from the start of the hook to the first healthy answer. */
  | { readonly ok: true; readonly gapMs: number }
  | { readonly ok: false; readonly code: string; readonly why: string }

/** What an old hook of a crashed run may still take before it is ended. */
const oldHookMs = 10_000
/**
 * The mark whose hook this process saw end: what still carries it is a daemon that the hook left
 * (with setsid), and lives on.
 */
const seenToEnd = new WeakMap<Deployment, string>()

/** Who waits, and what may be left of an earlier run of the hook. */
export type RestartOptions = {
  readonly signal: AbortSignal
  /** There can be none: no process of the machine is looked at while programs are locked out. */
  readonly first?: boolean
  /** None of it began before. */
  readonly since?: number
  /** Which hook a crash left; without, whatever leads a session and carries the mark. */
  readonly notes?: ProgramNotes
}

/**
 * Restarts one deployment and waits until it is healthy. `mark` names the change set and the
 * deployment: a hook that still runs under it was left by a crash and is ended first, whichever way
 * it went, so that never two run at once. What the hook has started in a session of its own is
 * none. Throws `stopped` if `signal` aborts: that says nothing about the deployment.
 */
export async function restartDeployment(
  deployment: Deployment,
  mark: string,
  host: Host,
  { signal, first = false, since = 0, notes }: RestartOptions,
): Promise<Restarted> {
  const only = notes?.left(mark)
  const obstacle =
    first || seenToEnd.get(deployment) === mark || only?.length === 0
      ? undefined
      : await endOld(deployment, mark, { signal, since, ...present({ only }) })
  throwIfStopped(signal)
  if (obstacle !== undefined) return obstacle
  const began = performance.now()
  const failure = await watchMark(mark, notes, () => runRestarter(deployment, mark))
  if (failure !== undefined) return failure
  const waited = performance.now() - began
  const health = await untilHealthy(deployment, host, signal)
  return health.ok ? { ok: true, gapMs: Math.round(waited + health.afterMs) } : health
}

/** undefined once no earlier run of the hook lives. */
async function endOld(
  { timeoutMs, restarter }: Deployment,
  mark: string,
  look: LookOptions & { readonly signal: AbortSignal },
): Promise<Restarted | undefined> {
  try {
    const waitMs = Math.min(timeoutMs, oldHookMs)
    if (await endMarked(mark, { ...look, waitMs })) return undefined
    const why = `an earlier run of ${restarter.label} cannot be ended`
    return { ok: false, code: "hook-still-running", why }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { ok: false, code: error.code, why: error.message }
  }
}

/**
 * A hook that has begun is left to finish, also when we are asked to stop: half a restart is of no
 * use.
 */
async function runRestarter(deployment: Deployment, mark: string): Promise<Restarted | undefined> {
  const deadline = deadlineOf(deployment.timeoutMs)
  try {
    await deployment.restarter.restart(mark, deadline.signal, {
      checked: deployment.health !== undefined,
    })
    seenToEnd.set(deployment, mark)
    return undefined
  } catch (error) {
    const { label: message } = deployment.restarter
    if (deadline.signal.aborted)
      return {
        ok: false,
        code: "restart-timeout",
        why: `${message} was not done within ${formatDuration(deployment.timeoutMs)}`,
      }
    // An error that is not ours may quote anything: only that it happened is passed on.
    if (!(error instanceof AppError))
      return { ok: false, code: "restart-failed", why: `${message} failed` }
    return { ok: false, code: error.code, why: error.message }
  } finally {
    deadline.end()
  }
}

/** Why the check is not asked at all: no wait changes who owns its program. */
async function refusedHealth({ label, runs }: Ask): Promise<string | undefined> {
  try {
    if (runs !== undefined) await refuseChangeable(runs)
    return undefined
  } catch (error) {
    return `nothing asked for its health (${label}): ${describeError(error).message}`
  }
}

type Health =
  | { readonly ok: true; readonly afterMs: number }
  | { readonly ok: false; readonly code: "unhealthy"; readonly why: string }

/**
 * Time is counted in pauses and in answers, not by a clock: that may leap, and goes on while we are
 * stopped.
 */
async function untilHealthy(
  deployment: Deployment,
  host: Host,
  signal: AbortSignal,
): Promise<Health> {
  if (deployment.health === undefined) return { ok: true, afterMs: 0 }
  const refused = await refusedHealth(deployment.health)
  if (refused !== undefined) return { ok: false, code: "unhealthy", why: refused }
  let afterMs = 0
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 1.5, 1000)) {
    const watch = beginStopwatch()
    // At least a second: a last try that is cut off at once would hide why the ones before failed.
    const answer = await askHealth(
      deployment.health,
      Math.max(1000, deployment.withinMs - afterMs),
      signal,
    ).finally(watch.end)
    afterMs += watch.ms()
    if (answer === true) return { ok: true, afterMs }
    throwIfStopped(signal)
    if (afterMs >= deployment.withinMs) {
      return {
        ok: false,
        code: "unhealthy",
        why: `not healthy within ${formatDuration(deployment.withinMs)}: ${answer}`,
      }
    }
    const rest = Math.min(pauseMs, Math.max(1, deployment.withinMs - afterMs))
    await host.pause(rest, signal)
    throwIfStopped(signal)
    afterMs += rest
  }
}
