import { believableState } from "../../core/instants.ts"
import type { Config, EnvironmentConfig } from "../../config/model.ts"
import { type PolicyName, policies } from "../../config/policy.ts"
import { type SecretStatus, ageOf } from "../../plan/status.ts"
import type { AuditEntry } from "../../record/audit-read.ts"
import type { Source } from "./source.ts"
import { textOf } from "./entry.ts"

/** How the secrets of an environment stand against the policy that its config names. */
export type PolicyState = {
  readonly environment: string
  readonly policy: PolicyName
  readonly maxAgeMs: number
  readonly keepLogMs: number
  /** `unproven`: it was taken over, and whether it is young enough is unknown. */
  readonly secrets: readonly (Pick<SecretStatus, "ageMs" | "ageAtLeastMs"> & {
    readonly secret: string
    readonly exempt: boolean
    readonly breach: boolean
    readonly unproven: boolean
  })[]
  /**
   * Values that were older than allowed when they were replaced, since the beginning of the
   * report's time; of one that was taken over without a date, the least age.
   */
  readonly past: readonly Replaced[]
  /**
   * Values that were taken over without a date, and replaced since: whether they were young enough
   * is unknown.
   */
  readonly pastUnproven: readonly Replaced[]
  /** How far back the log reaches; left out where there is none. */
  readonly logMs?: number
}

type Replaced = {
  readonly secret: string
  readonly at: string
  readonly ageMs: number
  readonly atLeast?: true
}

export function policiesOf(
  config: Config,
  sources: readonly Source[],
  { now, since }: { readonly now: Date; readonly since: string },
): readonly PolicyState[] {
  return sources.flatMap((source) => {
    const environment = config.environments[source.environment]
    return environment?.policy === undefined
      ? []
      : [stateOf(environment, environment.policy, source, { now, since })]
  })
}

function stateOf(
  environment: EnvironmentConfig,
  policy: PolicyName,
  { document, entries, log }: Source,
  { now, since }: { readonly now: Date; readonly since: string },
): PolicyState {
  const { maxAgeMs, keepLogMs } = policies[policy]
  const secrets = Object.values(environment.secrets).map(({ name, exempt = false }) => {
    const written = document?.secrets[name]
    const state = written && believableState(written, now)
    const age = ageOf(state, now)
    const breach = !exempt && (age.ageMs ?? age.ageAtLeastMs ?? 0) > maxAgeMs
    return {
      secret: name,
      ...age,
      exempt,
      breach,
      unproven: !exempt && !breach && age.ageAtLeastMs !== undefined,
    }
  })
  const held = new Set(secrets.filter(({ exempt }) => !exempt).map(({ secret }) => secret))
  const ended = replaced(entries).filter(({ secret, at }) => held.has(secret) && at >= since)
  const past = ended.filter(({ ageMs }) => ageMs > maxAgeMs)
  const pastUnproven = ended.filter(({ ageMs, atLeast }) => ageMs <= maxAgeMs && atLeast === true)
  return {
    environment: environment.name,
    policy,
    maxAgeMs,
    keepLogMs,
    secrets,
    past,
    pastUnproven,
    ...(log.begins === undefined ? {} : { logMs: now.getTime() - Date.parse(log.begins) }),
  }
}

/** How old each value was when the next one took its place, as far as the log knows both. */
function replaced(entries: readonly AuditEntry[]): readonly Replaced[] {
  const began = new Map<string, { readonly at: number; readonly atLeast?: true }>()
  const made = new Map<string, number>()
  const all: Replaced[] = []
  for (const entry of entries) {
    const secret = textOf(entry, "secret")
    if (secret === undefined) continue
    const at = Date.parse(entry.at)
    if (entry.event === "generate") made.set(secret, at)
    const said = textOf(entry, "madeAt")
    if (entry.event === "dated" && said !== undefined) began.set(secret, { at: Date.parse(said) })
    if (entry.event !== "promote" && entry.event !== "adopt") continue
    const before = began.get(secret)
    if (before !== undefined)
      all.push({
        secret,
        at: entry.at,
        ageMs: at - before.at,
        ...(before.atLeast === undefined ? {} : { atLeast: true }),
      })
    if (entry.event === "promote") began.set(secret, { at: made.get(secret) ?? at })
    else began.set(secret, said === undefined ? { at, atLeast: true } : { at: Date.parse(said) })
  }
  return all
}
