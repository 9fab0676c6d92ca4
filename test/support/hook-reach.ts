import type { HookContext } from "../../src/core/define.ts"

/** What a restarter or a health check gets: a folder, and the few variables that a test names. */
export function hookReach(folder: string, env: Readonly<Record<string, string>> = {}): HookContext {
  return { folder, label: "production", env: (name) => env[name] }
}

/** A signal that never aborts. */
export function neverStops(): AbortSignal {
  return new AbortController().signal
}
