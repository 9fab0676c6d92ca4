import { dirname } from "node:path"
import type { Context } from "./context.ts"
import { ask } from "./context.ts"
import type { EnvironmentDraft, SecretDraft } from "./draft.ts"
import { formatDuration } from "../base/text/duration.ts"
import { formatPath, type Path } from "./problems.ts"
import { policies } from "./policy.ts"
import { checkReaders } from "./readers.ts"
import { checkSchedules } from "./schedules.ts"
import { checkTemplates } from "./templates.ts"

/** What no single part can know: whether the parts of a config fit together. */
export function crossCheck(
  environments: readonly EnvironmentDraft[],
  store: string,
  context: Context,
): void {
  checkPresence(environments, context)
  checkAges(environments, context)
  checkPolicies(environments, context)
  checkLogins(environments, context)
  checkTargets(environments, store, context)
  checkReads(environments, context)
  checkReaders(environments, context)
  checkTemplates(environments, context)
  checkSchedules(environments, context)
}

function checkPresence(environments: readonly EnvironmentDraft[], { report }: Context): void {
  if (environments.length === 0)
    report({
      path: ["environments"],
      at: "key",
      message: "there are no environments",
      hint: "name at least one under `environments`",
    })
  for (const { path, isMap, secrets } of environments) {
    if (isMap && secrets.length === 0)
      report({
        path,
        at: "key",
        message: "this environment has no secrets",
        hint: "name at least one under `secrets`, or remove the environment",
      })
  }
}

const minute = 60_000

function checkAges(environments: readonly EnvironmentDraft[], { report }: Context): void {
  for (const { path, secrets } of environments) {
    if (secrets.some(({ agePath }) => agePath === undefined)) {
      const hint =
        "write rotate_every: 90d here, at the top or at each secret; never keeps a value for good"
      report({
        path,
        at: "key",
        missing: "rotate_every",
        message: "nothing says how old its secrets may get: `rotate_every` is missing",
        hint,
      })
    }
    for (const { config, path: at, agePath } of secrets) {
      if (config.rotateEveryMs !== null && config.rotateEveryMs < minute)
        report({ path: agePath ?? at, message: "`rotate_every` must be at least a minute" })
    }
  }
}

function checkPolicies(environments: readonly EnvironmentDraft[], { report }: Context): void {
  for (const { name, policy, secrets } of environments) {
    if (policy === undefined) continue
    const { maxAgeMs } = policies[policy]
    for (const { config, agePath } of secrets) {
      if (
        config.exempt === true ||
        agePath === undefined ||
        (config.rotateEveryMs !== null && config.rotateEveryMs <= maxAgeMs)
      )
        continue
      report({
        path: agePath,
        message: `policy ${policy}, which holds in ${name}, allows ${formatDuration(maxAgeMs)} at most`,
        hint: "lower rotate_every; or write policy: none at the secret, an exception that reports list",
      })
    }
  }
}

/** A log that forgets sooner than a policy allows. What holds if nothing is said is long enough. */
export function checkKeep(
  environments: readonly EnvironmentDraft[],
  keepMs: number | null,
  { report }: Pick<Context, "report">,
): void {
  const [held] = environments.flatMap(({ name, policy }) =>
    policy === undefined || keepMs === null || keepMs >= policies[policy].keepLogMs
      ? []
      : [{ name, policy }],
  )
  if (held !== undefined)
    report({
      path: ["audit", "keep"],
      message:
        `policy ${held.policy}, which holds in ${held.name}, asks for ` +
        `${formatDuration(policies[held.policy].keepLogMs)} at least`,
    })
}

/** If two secrets rotated one login, each would lock out the programs that hold the other's value. */
function checkLogins(environments: readonly EnvironmentDraft[], context: Context): void {
  const owners = new Map<string, Path>()
  for (const { secrets } of environments)
    for (const secret of secrets) checkLogin(secret, owners, context)
}

function checkLogin(
  { path, type, options }: SecretDraft,
  owners: Map<string, Path>,
  context: Context,
): void {
  if (type === undefined || options === undefined) return
  for (const login of ask(context, path, () => type.logins(options)) ?? []) {
    const key = `${type.type} ${login}`
    const owner = owners.get(key)
    owners.set(key, owner ?? path)
    if (owner === undefined || owner === path) continue
    return context.report({
      path,
      at: "key",
      message: `has the same login as ${formatPath(owner)}`,
      hint: "give each its own role or user: a login belongs to one secret",
    })
  }
}

function checkTargets(
  environments: readonly EnvironmentDraft[],
  store: string,
  { report, file }: Context,
): void {
  const owners = new Map<string, Path>()
  for (const { path, config } of environments.flatMap(({ outputs }) => outputs)) {
    if (config === undefined) continue
    const at = [...path, config.type]
    for (const target of [config.target, ...(config.files ?? [])]) {
      const owner = owners.get(target)
      if (owner !== undefined && owner !== path)
        report({
          path: at,
          message: `writes the same ${config.entry === true ? "entry" : "file"} as ${formatPath(owner)}`,
          hint: "let one output show both",
        })
      owners.set(target, owner ?? path)
      if (target === file) report({ path: at, message: "would replace this config" })
      if (target === config.from) report({ path: at, message: "would replace its own template" })
    }
    if (config.entry !== true && isInside(config.target, store))
      report({ path: at, message: "writes into the store, which only Mycelium may write" })
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || (dirname(path) !== path && isInside(dirname(path), folder))
}

function checkReads(environments: readonly EnvironmentDraft[], { report, folder }: Context): void {
  for (const { outputs, deployments } of environments) {
    if (deployments.length === 0) continue
    // What a wrong output would write is unknown: its own problem comes first.
    if (outputs.some(({ config }) => config === undefined)) continue
    const targets = new Set(outputs.flatMap(({ config }) => config?.target ?? []))
    for (const { path, config, ownReads } of deployments) {
      if (!ownReads) continue
      config.reads.forEach((target, index) => {
        if (targets.has(target)) return
        report({
          path: [...path, "reads", index],
          message: "is the file of no output of this environment",
          hint: `relative paths begin in ${folder}`,
        })
      })
    }
  }
}
