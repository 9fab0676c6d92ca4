import { AppError } from "../../../base/error.ts"
import { runTrusted } from "../../../base/processes/run-trusted.ts"
import type { RunResult } from "../../../base/processes/spawn.ts"
import type { Hook } from "../../run-hook.ts"

/** What systemd says of a unit before a restart, and why it refused one. */

/** A look is short; the engine's deadline comes as `signal`. */
const lookMs = 20_000

type Reason = { readonly message: string; readonly hint: string }
type Refusal = { readonly pattern: RegExp; readonly reason: (unit: string) => Reason }

const listing = "systemctl list-units --type=service --all shows those that there are"

/**
 * What systemctl prints where it was refused before anything was done. The unit may be another one:
 * one that it needs, or polkit. Nothing else is repeated: it may hold values.
 */
const refusals: readonly Refusal[] = [
  {
    pattern: /Interactive authentication required|Access denied|Authentication is required/,
    reason: () => ({
      message: "this user has no right to do that",
      hint: "a rule of polkit must name the unit and this user: mycelium help unit, What it may restart",
    }),
  },
  {
    pattern: /Unit ([\w:.@\\-]{1,255}) (?:not found|could not be found)/,
    reason: (unit) => ({ message: `systemd has no unit ${unit}`, hint: listing }),
  },
  {
    pattern: /Unit ([\w:.@\\-]{1,255}) is masked/,
    reason: (unit) => ({
      message: `the unit ${unit} is masked`,
      hint: "systemctl unmask undoes that",
    }),
  },
  {
    pattern: /Failed to connect to (?:system |user scope )?bus|has not been booted with systemd/,
    reason: () => ({
      message: "no systemd answers",
      hint:
        "in a container there is none: name another way to restart it; " +
        "for a service of a user, see that its manager runs",
    }),
  },
]

export function refusalIn({ stderr }: Pick<RunResult, "stderr">): Reason | undefined {
  for (const { pattern, reason } of refusals) {
    const found = pattern.exec(stderr)
    if (found !== null) return reason(found[1] ?? "")
  }
  return undefined
}

/**
 * The same for as long as it runs in one go; undefined where it does not run, or cannot be asked.
 */
export type Running = string | undefined

/** What `systemctl show` is asked for. */
export const lookedAt = "--property=LoadState,ActiveState,InvocationID"

/**
 * Throws where a restart is bound to fail. What cannot be asked is no obstacle: sudo may allow a
 * restart and nothing else.
 */
export async function lookAtUnit(hook: Hook, unit: string, signal: AbortSignal): Promise<Running> {
  const result = await runTrusted(hook.argv, {
    cwd: hook.cwd,
    env: hook.env,
    timeoutMs: lookMs,
    signal,
  })
  if (result.code !== 0) {
    const refusal = refusalIn(result)
    if (refusal === undefined) return undefined
    throw new AppError(
      "systemd-failed",
      `systemd cannot be asked for ${unit}: ${refusal.message}`,
      {
        remedy: "retry",
        hint: refusal.hint,
      },
    )
  }
  const said = new Map(
    result.stdout.split("\n").map((line) => [line.split("=")[0], line.replace(/^\w+=/, "")]),
  )
  const load = said.get("LoadState")
  if (load === "not-found" || load === "masked")
    throw new AppError("unit-missing", missing[load](unit), {
      remedy: "retry",
      hint: load === "masked" ? "systemctl unmask undoes that" : listing,
    })
  return said.get("ActiveState") === "active" ? said.get("InvocationID") || undefined : undefined
}

const missing = {
  "not-found": (unit: string) => `systemd has no unit ${unit}`,
  masked: (unit: string) => `the unit ${unit} is masked, so systemd does not start it`,
}
