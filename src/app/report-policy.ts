import { believable } from "../core/instants.ts"
import type { Config, EnvironmentConfig } from "../config/model.ts"
import { type PolicyName, policies } from "../config/policy.ts"
import { versionAt } from "../core/state.ts"
import type { AuditEntry } from "../record/audit-read.ts"
import type { Source } from "./report.ts"
import { textOf } from "./report-entry.ts"

/** How the secrets of an environment stand against the policy that its config names. */
export type PolicyState = {
  readonly environment: string
  readonly policy: PolicyName
  readonly maxAgeMs: number
  readonly keepLogMs: number
  readonly secrets: readonly { readonly secret: string; readonly ageMs?: number; readonly exempt: boolean; readonly breach: boolean }[]
  /** Values that were older than allowed when they were replaced, since the beginning of the report's time. */
  readonly past: readonly { readonly secret: string; readonly at: string; readonly ageMs: number }[]
  /** How far back the log reaches; left out where there is none. */
  readonly logMs?: number
}

export function policiesOf(config: Config, sources: readonly Source[], { now, since }: { readonly now: Date; readonly since: string }): readonly PolicyState[] {
  return sources.flatMap((source) => {
    const environment = config.environments[source.environment]
    return environment?.policy === undefined ? [] : [stateOf(environment, environment.policy, source, { now, since })]
  })
}

function stateOf(environment: EnvironmentConfig, policy: PolicyName, { document, entries, log }: Source, { now, since }: { readonly now: Date; readonly since: string }): PolicyState {
  const { maxAgeMs, keepLogMs } = policies[policy]
  const secrets = Object.values(environment.secrets).map(({ name, exempt = false }) => {
    const state = document && believable(document, now).secrets[name]
    const rotatedAt = state === undefined || state.undated === true || versionAt(state, "current") === undefined ? undefined : state.rotatedAt
    const ageMs = rotatedAt === undefined ? undefined : now.getTime() - Date.parse(rotatedAt)
    return { secret: name, ...(ageMs === undefined ? {} : { ageMs }), exempt, breach: !exempt && ageMs !== undefined && ageMs > maxAgeMs }
  })
  const held = new Set(secrets.filter(({ exempt }) => !exempt).map(({ secret }) => secret))
  const past = replaced(entries).filter(({ secret, at, ageMs }) => held.has(secret) && at >= since && ageMs > maxAgeMs)
  return { environment: environment.name, policy, maxAgeMs, keepLogMs, secrets, past, ...(log.begins === undefined ? {} : { logMs: now.getTime() - Date.parse(log.begins) }) }
}

/** How old each value was when the next one took its place, as far as the log knows both. */
function replaced(entries: readonly AuditEntry[]): PolicyState["past"] {
  const began = new Map<string, number>()
  const made = new Map<string, number>()
  const all: { readonly secret: string; readonly at: string; readonly ageMs: number }[] = []
  for (const entry of entries) {
    const secret = textOf(entry, "secret")
    if (secret === undefined) continue
    const at = Date.parse(entry.at)
    if (entry.event === "generate") made.set(secret, at)
    if (entry.event !== "promote" && entry.event !== "adopt") continue
    const before = began.get(secret)
    if (before !== undefined) all.push({ secret, at: entry.at, ageMs: at - before })
    began.set(secret, entry.event === "promote" ? (made.get(secret) ?? at) : at)
  }
  return all
}
