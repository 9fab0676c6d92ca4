import type { App } from "../app/app.ts"
import { missingIdentity } from "../check/identity.ts"
import type { Me } from "../check/self-tests/path-stat.ts"
import { unwritable } from "../check/writable.ts"
import { stateFolder } from "../record/state-file.ts"

/** Whether the service is alive, and whether it can work. Neither answer opens a file. */

export type Health = { readonly ok: boolean; readonly lines: readonly string[] }

/** A round comes at least once a minute. systemd's WatchdogSec of the unit is the same. */
const longestRoundMs = 180_000

/** `roundAt`: when the last round ended, by the clock that never leaps. */
export function liveness(roundAt: number, { host }: Pick<App, "host">): Health {
  const ms = host.monotonicMs() - roundAt
  return ms <= longestRoundMs
    ? { ok: true, lines: ["ok"] }
    : { ok: false, lines: [`no round for ${Math.floor(ms / 1000)} s`] }
}

/** The least that any act writes. */
const leastBytes = 8192

export async function readiness(
  { config, host }: Pick<App, "config" | "host">,
  me: Me,
): Promise<Health> {
  const store = await unwritable(stateFolder(config), leastBytes)
  const identity = missingIdentity(config, host, me)
  const ok = store === undefined && identity?.severity !== "error"
  return {
    ok,
    lines: [
      ok ? "ok" : "not ready",
      "config: loaded",
      `store: ${sayStore(store)}`,
      `identity: ${identity?.severity === "error" ? identity.code : "there"}`,
    ],
  }
}

function sayStore(found: Awaited<ReturnType<typeof unwritable>>): string {
  if (found === undefined) return "writable"
  return found.kind === "full" ? "no room left" : `cannot be written (${found.code})`
}
