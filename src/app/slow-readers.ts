import { formatDuration } from "../base/text/duration.ts"
import type { EnvironmentConfig, OutputConfig } from "../config/model.ts"
import { withinMsOf } from "../core/entry.ts"
import type { Finding } from "../core/ports.ts"
import type { App } from "./app.ts"

/** Programs that go on for a while with what they have read of an entry of a secret manager. */
export type SlowReaders = {
  readonly secret: string
  /** The entries that they read. */
  readonly entries: readonly string[]
  readonly withinMs: number
}

/** Those of one secret; undefined: none, or it is in no service. */
export function slowReadersOf(
  plugins: App["plugins"],
  { secrets, outputs }: Pick<EnvironmentConfig, "secrets" | "outputs">,
  name: string,
): SlowReaders | undefined {
  const entries = outputs.filter((output) => output.shows.includes(name) && waitMsOf(output) > 0)
  if (entries.length === 0 || overlapOf(plugins, secrets[name]) === "none") return undefined
  return {
    secret: name,
    entries: entries.map(({ target }) => target),
    withinMs: Math.max(...entries.map(waitMsOf)),
  }
}

function waitMsOf({ entry, readers }: OutputConfig): number {
  return entry === true ? withinMsOf(readers) : 0
}

function overlapOf(
  { drivers }: App["plugins"],
  secret: EnvironmentConfig["secrets"][string] | undefined,
): string {
  const type = drivers.find((one) => one.type === secret?.driver)
  return type === undefined ? "none" : type.overlap(type.options.parse(secret?.options))
}

/**
 * The service holds one value at a time: a program that goes on with the old one is refused. An
 * error, unless the config accepts it for as long.
 */
export function readersWouldFail(
  plugins: App["plugins"],
  environment: Pick<EnvironmentConfig, "secrets" | "outputs">,
  name: string,
): readonly Finding[] {
  const secret = environment.secrets[name]
  if (secret === undefined || overlapOf(plugins, secret) !== "one") return []
  const slow = slowReadersOf(plugins, environment, name)
  if (slow === undefined) return []
  const isAccepted = slow.withinMs <= (secret.gapAcceptedMs ?? 0)
  return [
    {
      code: "readers-would-fail",
      severity: isAccepted ? "info" : "error",
      message: sayRefused(slow),
      ...(isAccepted ? {} : { remedy: waysOut(slow.withinMs) }),
    },
  ]
}

/** "programs that read … are refused for up to 5m after …" */
export function sayRefused({ secret, entries, withinMs }: SlowReaders): string {
  return (
    `programs that read ${secret} in ${entries.join(", ")} go on with the old value for up to ` +
    `${formatDuration(withinMs)} after the change, and are refused as long`
  )
}

function waysOut(withinMs: number): string {
  return (
    "let the service hold two values (for PostgreSQL two roles in turn: mycelium help postgres); or let " +
    "programs read it anew at a restart or at a refused login (readers: { on: " +
    "restart } or { on: refusal }); " +
    `or accept the gap at the secret: gap_accepted: ${formatDuration(withinMs)}`
  )
}
