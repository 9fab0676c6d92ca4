import { present } from "../base/present.ts"
import type { DriverType } from "../core/define.ts"
import { ask, type Context } from "./context.ts"
import type { Entry, SecretDraft } from "./draft.ts"
import { defaults, secretKeys } from "./keys.ts"
import { MapReader } from "./map-reader.ts"
import type { Path } from "./problems.ts"
import { oneOf } from "./sentences.ts"
import { validate } from "./validate.ts"

/** What a secret takes over from its environment. */
export type Inherited = {
  readonly rotateEveryMs: number | null | undefined
  /** Where its `rotate_every` is written. */
  readonly agePath: Path | undefined
  readonly graceMs: number | undefined
}

/** `name: generated`, or `name: { options of the driver and the keys that every secret has }`. */
export function readSecret(
  { name, raw, path }: Entry,
  inherited: Inherited,
  context: Context,
): SecretDraft {
  const short = typeof raw === "string"
  const reader = new MapReader(short ? { driver: raw } : (raw ?? {}), path, context.report)
  const type = readDriver(name, raw, reader, context)
  const ownAge = reader.has("rotate_every")
  const age = reader.optional("rotate_every", secretKeys)
  const grace = reader.optional("grace", secretKeys)
  const endSessions = reader.optional("end_sessions", secretKeys) ?? false
  const rotatedAt = reader.optional("rotated_at", secretKeys)
  const tags = reader.optional("tags", secretKeys) ?? []
  const gapAcceptedMs = reader.optional("gap_accepted", secretKeys)
  const unshown = reader.optional("unshown", secretKeys) ?? false
  const exempt = reader.optional("policy", secretKeys) === "none"
  const written = reader.rest()
  const options = type && readOptions(type, written, path, context)
  return {
    path,
    type,
    options,
    agePath: ownAge ? [...path, "rotate_every"] : inherited.agePath,
    config: {
      name,
      driver: type?.type ?? "",
      rotateEveryMs: (ownAge ? age : inherited.rotateEveryMs) ?? null,
      graceMs: graceOf({ grace, inherited, type, options, path, context }),
      endSessions,
      tags,
      ...present({ rotatedAt, gapAcceptedMs }),
      ...(unshown ? { unshown } : {}),
      ...(exempt ? { exempt } : {}),
      options: written,
    },
  }
}

/** As the driver's schema parses them. */
function readOptions(
  type: DriverType,
  written: unknown,
  path: Path,
  context: Context,
): SecretDraft["options"] {
  return validate(type.options, {
    value: written,
    path,
    report: context.report,
    alsoKnown: Object.keys(secretKeys),
  })
}

function readDriver(
  name: string,
  raw: unknown,
  reader: MapReader,
  context: Context,
): DriverType | undefined {
  if (!reader.isMap) return undefined
  const { drivers } = context.plugins
  const types = drivers.map(({ type }) => type)
  const named = typeof raw === "object" && raw !== null && "driver" in raw
  const short = typeof raw === "string"
  const word = reader.optional("driver", secretKeys)
  if (!named && !short) {
    const type = drivers.find((one) => one.type === name)
    if (type === undefined)
      context.report({
        path: reader.path,
        at: "key",
        message: `required key \`driver\` is missing: ${oneOf(types, name)}`,
      })
    return type
  }
  if (word === undefined) return undefined
  const type = drivers.find((one) => one.type === word)
  if (type !== undefined) return type
  if (named)
    context.report({
      path: [...reader.path, "driver"],
      message: `no such driver: ${oneOf(types, word)}`,
    })
  else
    context.report({
      path: reader.path,
      message: `expected the driver's name or a map with its options: ${oneOf(types, word)}`,
    })
  return undefined
}

type Grace = Pick<SecretDraft, "type" | "options" | "path"> & {
  readonly grace: number | undefined
  readonly inherited: Inherited
  readonly context: Context
}

/**
 * Two values live side by side only where the service can; elsewhere the previous one dies with the
 * change.
 */
function graceOf({ grace, inherited, type, options, path, context }: Grace): number {
  const overlap = type && options && ask(context, path, () => type.overlap(options))
  if (overlap === "both" || overlap === "unknown")
    return grace ?? inherited.graceMs ?? defaults.graceMs
  if (grace !== undefined && overlap !== undefined) {
    const message =
      overlap === "one"
        ? "the service holds one value at a time, so there is no grace"
        : "no service holds this value, so there is no grace"
    context.report({ path: [...path, "grace"], at: "key", message, hint: "remove `grace`" })
  }
  return 0
}
