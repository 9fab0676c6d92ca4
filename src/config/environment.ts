import type { Context } from "./context.ts"
import { readDeployment } from "./deployment.ts"
import type { Entry, EnvironmentDraft } from "./draft.ts"
import { defaults, environmentKeys } from "./keys.ts"
import { MapReader } from "./map-reader.ts"
import { readOutput } from "./output.ts"
import type { PolicyName } from "./policy.ts"
import type { Path } from "./problems.ts"
import { readSecret } from "./secret.ts"
import { validate } from "./validate.ts"
import { type Names, names, secretNames } from "./value-types.ts"

/** What an environment takes over from the project. */
export type ProjectWide = {
  readonly schedule: string | undefined
  readonly timezone: string | undefined
  readonly rotateEveryMs: number | null | undefined
  readonly watchMs: number | null | undefined
  /** Where its `rotate_every` is written. */
  readonly agePath: Path | undefined
  readonly policy: PolicyName | "none" | undefined
}

export function readEnvironment(
  { name, raw, path }: Entry,
  wide: ProjectWide,
  context: Context,
): EnvironmentDraft {
  const reader = new MapReader(raw ?? {}, path, context.report)
  const times = readTimes(reader, wide)
  const ownAge = reader.has("rotate_every")
  const age = reader.optional("rotate_every", environmentKeys)
  const graceMs = reader.optional("grace", environmentKeys)
  const policy = reader.optional("policy", environmentKeys) ?? wide.policy
  const inherited = ownAge
    ? { rotateEveryMs: age, agePath: [...path, "rotate_every"], graceMs }
    : { ...wide, graceMs }
  const secrets = named(reader, "secrets", secretNames, context).map((one) =>
    readSecret(one, inherited, context),
  )
  const outputs = list(reader, "outputs", context).map((one) =>
    readOutput(one.raw, one.path, context),
  )
  const targets = outputs.flatMap(({ config }) => config?.target ?? [])
  const deployments = named(reader, "deployments", names, context).map((one) =>
    readDeployment(one, targets, context),
  )
  reader.close()
  return {
    path,
    name,
    isMap: reader.isMap,
    ...times,
    policy: policy === "none" ? undefined : policy,
    secrets,
    outputs,
    deployments,
  }
}

/** When it acts: its own times, else the project's, each with its place. */
function readTimes(
  reader: MapReader,
  wide: ProjectWide,
): Pick<EnvironmentDraft, "schedule" | "schedulePath" | "timezone" | "timezonePath" | "watchMs"> {
  const { path } = reader
  const schedule = reader.optional("schedule", environmentKeys)
  const timezone = reader.optional("timezone", environmentKeys)
  const watchMs = reader.optional("watch", environmentKeys)
  return {
    schedule: schedule ?? wide.schedule,
    schedulePath: schedule === undefined ? ["schedule"] : [...path, "schedule"],
    timezone: timezone ?? wide.timezone ?? defaults.timezone,
    timezonePath: timezone === undefined ? ["timezone"] : [...path, "timezone"],
    watchMs: watchMs === undefined ? wide.watchMs : watchMs,
  }
}

/**
 * The entries of a map whose keys are names. An entry with a wrong name is read too, so that its
 * other mistakes are found.
 */
export function named(
  reader: MapReader,
  key: string,
  allowed: Names,
  context: Context,
): readonly Entry[] {
  const raw = reader.raw(key)
  if (raw === undefined || raw === null) return []
  const path = [...reader.path, key]
  if (typeof raw !== "object" || Array.isArray(raw)) {
    context.report({ path, message: "expected a map of names" })
    return []
  }
  return Object.entries(raw).map(([name, value]) => {
    const at = [...path, name]
    if (!allowed.takes(name))
      validate(allowed.schema(), {
        value: name,
        path: at,
        report: (fault) => context.report({ ...fault, at: "key" }),
      })
    return { name, raw: value, path: at }
  })
}

function list(reader: MapReader, key: string, context: Context): readonly Omit<Entry, "name">[] {
  const raw = reader.raw(key)
  if (raw === undefined || raw === null) return []
  const path = [...reader.path, key]
  if (Array.isArray(raw))
    return raw.map((item: unknown, index) => ({ raw: item, path: [...path, index] }))
  context.report({ path, message: "expected a list: each entry begins with -" })
  return []
}
