import type { Deployment, Health, Restarter } from "../../src/core/ports.ts"

/** A deployment whose parts a test names. */
export function deployment(
  parts: Partial<Deployment> & {
    readonly restart?: Restarter["restart"]
    readonly healthy?: Health["healthy"]
  } = {},
): Deployment {
  const { restart = async () => undefined, healthy, ...rest } = parts
  return {
    name: "api",
    reads: [],
    restarter: { label: "command restart-api", restart },
    ...(healthy === undefined
      ? {}
      : { health: { label: "http http://127.0.0.1/healthz", healthy } }),
    withinMs: 60_000,
    timeoutMs: 30_000,
    ...rest,
  }
}
