import { formatDuration } from "../base/text/duration.ts"
import { withinMsOf } from "../core/entry.ts"
import type { Driver } from "../core/ports.ts"
import { ask, type Context } from "./context.ts"
import type { EnvironmentDraft, OutputDraft, SecretDraft } from "./draft.ts"
import type { OutputConfig } from "./model.ts"

/**
 * Programs read an entry of a secret manager when they like. Whether the config gives them the time
 * that they need, or says that they need none.
 */
export function checkReaders(environments: readonly EnvironmentDraft[], context: Context): void {
  for (const environment of environments) {
    const entries = environment.outputs.flatMap(entryIn)
    for (const entry of entries) checkRestart(entry, environment, context)
    for (const secret of environment.secrets) checkSecret(secret, entries, context)
  }
}

type Entry = { readonly path: OutputDraft["path"]; readonly config: OutputConfig }

function entryIn({ path, config }: OutputDraft): readonly Entry[] {
  return config?.entry === true ? [{ path, config }] : []
}

/** Who reads it once, at its start, reads the new value only if something starts it anew. */
function checkRestart(
  { path, config }: Entry,
  { deployments }: EnvironmentDraft,
  { report }: Context,
): void {
  if (config.readers?.on !== "restart") return
  if (deployments.some((one) => one.config.reads.includes(config.target))) return
  report({
    path: [...path, "readers", "on"],
    message: "no deployment of this environment reads this entry, so nothing restarts its programs",
    hint: "add a deployment that restarts them, or write readers: { within: … }",
  })
}

function checkSecret(secret: SecretDraft, entries: readonly Entry[], context: Context): void {
  const { path, type, options } = secret
  const overlap = type && options && ask(context, path, () => type.overlap(options))
  const shown = entries.filter(({ config }) => config.shows.includes(secret.config.name))
  if (overlap === "one") for (const entry of shown) checkOneValue(secret, entry, context)
  if (overlap === "both") checkTwoValues(secret, shown, context)
  if (overlap !== undefined) checkAccepted(secret, { overlap, shown }, context)
}

/** The old value is dead at once: nothing may be assumed. */
function checkOneValue(
  { config: { name } }: SecretDraft,
  { path, config }: Entry,
  { report }: Context,
): void {
  if (config.readers !== undefined) return
  report({
    path,
    missing: "readers",
    message:
      `shows ${name}, whose service holds one value at a time, and nothing says ` +
      "when programs read this entry anew: `readers` is missing",
    hint:
      "write readers: { on: restart } if a deployment restarts them; readers: { on: refusal } if they " +
      "read it anew when a login is refused; or readers: { within: 5m }, and gap_accepted: 5m at the secret",
  })
}

/** The old value lives as long as they go on with it: it must have ended before the next rotation. */
function checkTwoValues(
  { path, config, agePath }: SecretDraft,
  shown: readonly Entry[],
  { report }: Context,
): void {
  const withinMs = Math.max(0, ...shown.map((one) => withinMsOf(one.config.readers)))
  const { rotateEveryMs, graceMs } = config
  if (withinMs === 0) return
  if (rotateEveryMs !== null && agePath !== undefined && rotateEveryMs <= withinMs)
    report({
      path: agePath,
      message:
        `${config.name} would be due again while programs may still use its previous value: they go on ` +
        `for ${formatDuration(withinMs)} with what they have read of an entry`,
      hint: "raise rotate_every, or lower `within` under `readers` of the entry if their caches allow it",
    })
  if (graceMs === 0)
    report({
      path,
      at: "key",
      message:
        "`grace` is 0s, but its previous value has to live on: programs go on " +
        `for ${formatDuration(withinMs)} with what they have read of an entry`,
      hint: "remove grace: 0s; or write readers: { within: 0s } at the entry if its programs keep nothing",
    })
}

function checkAccepted(
  { path, config }: SecretDraft,
  {
    overlap,
    shown,
  }: { readonly overlap: Driver["overlap"] | "unknown"; readonly shown: readonly Entry[] },
  { report }: Context,
): void {
  if (config.gapAcceptedMs === undefined) return
  const why = {
    one: shown.length === 0 ? "no entry of a secret manager shows it" : undefined,
    both: "its service holds two values",
    none: "no service holds this value",
    unknown: undefined,
  }[overlap]
  if (why === undefined) return
  report({
    path: [...path, "gap_accepted"],
    at: "key",
    message: `${why}, so there is no such gap`,
    hint: "remove `gap_accepted`",
  })
}
