import { ask, type Context } from "./context.ts"
import type { EnvironmentDraft, OutputDraft } from "./draft.ts"
import { mostGuessed, nearest } from "./nearest.ts"
import { isPlainWord, type Path } from "./problems.ts"

/**
 * Templates that show what does not exist. The outputs know which secrets they name; where exactly
 * is looked up in their text.
 */
export function checkTemplates(environments: readonly EnvironmentDraft[], context: Context): void {
  for (const environment of environments) {
    for (const output of environment.outputs) {
      checkSecrets(environment, output, context)
      checkFields(environment, output, context)
    }
  }
}

function checkSecrets(
  { secrets }: EnvironmentDraft,
  { path, config }: OutputDraft,
  { report }: Context,
): void {
  const names = new Set(secrets.map((secret) => secret.config.name))
  const tellable = [...names].filter(isPlainWord)
  const uses = Map.groupBy(usesIn(config?.options, path), ({ secret }) => secret)
  for (const shown of config?.shows ?? []) {
    if (names.has(shown)) continue
    const near = nearest(shown, tellable.slice(0, mostGuessed))
    const message =
      "shows a secret that this environment does not " +
      `have${near === undefined ? "" : `; did you mean \`${near}\`?`}`
    const places = (uses.get(shown) ?? []).map((use) => use.path)
    for (const place of places.length === 0 ? [path] : places)
      report({ path: place, message, ...list("secrets", tellable) })
  }
}

function checkFields(
  { secrets }: EnvironmentDraft,
  { path, config }: OutputDraft,
  context: Context,
): void {
  const { report } = context
  const byName = new Map(secrets.map((secret) => [secret.config.name, secret]))
  for (const use of usesIn(config?.options, path)) {
    const { type, options } = byName.get(use.secret) ?? {}
    const own = [
      ...(type?.fields ?? ["password"]),
      ...(options === undefined ? [] : (type?.moreFields?.(options) ?? [])),
    ]
    const overlap = type && options && ask(context, use.path, () => type.overlap(options))
    const fields =
      overlap === "both" || overlap === "unknown"
        ? [...own, ...own.map((field) => `previous.${field}`)]
        : own
    if (type === undefined || fields.includes(use.field)) continue
    const from = config?.from
    report({
      path: from === undefined ? use.path : [...path, "from"],
      message:
        `shows ${isField(use.field) ? `\`${use.field}\`` : "a field"}${placeIn(use, from)}, ` +
        `which \`${use.secret}\` does not have`,
      ...hintFor(use.field, fields, type.turns !== undefined),
    })
  }
}

/** Only a plain word is repeated: what has digits or capitals may be a value in the wrong place. */
function isField(field: string): boolean {
  return field.length <= 32 && /^(previous\.)?[a-z]+(_[a-z]+)*$/.test(field)
}

/** In a text of several lines, or in a file of its own, the place in the config says too little. */
function placeIn({ line, isOneLine }: Use, from: string | undefined): string {
  if (from !== undefined) return ` in line ${line} of ${from}`
  return isOneLine ? "" : ` in line ${line} of its text`
}

/** `previous.user` is of the value that is accepted beside the current one. */
function hintFor(
  field: string,
  fields: readonly string[],
  takesTurns: boolean,
): { readonly hint?: string } {
  const { hint } = list("fields", fields)
  if (hint === undefined || !takesTurns || !field.startsWith("previous"))
    return list("fields", fields)
  return {
    hint: `${hint}; \`previous.user\` and \`previous.password\` need \`roles\` in place of \`role\``,
  }
}

/** In one hint. */
const mostNamed = 50

function list(what: string, names: readonly string[]): { readonly hint?: string } {
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ""
  return names.length === 0
    ? {}
    : { hint: `${what}: ${names.slice(0, mostNamed).join(", ")}${more}` }
}

type Use = {
  readonly secret: string
  readonly field: string
  readonly path: Path
  /** Of the text that it stands in. */
  readonly line: number
  readonly isOneLine: boolean
}

/** Each `{{ secret.field` in the strings of an output's options. */
function usesIn(value: unknown, path: Path): readonly Use[] {
  if (typeof value === "string") {
    return [
      ...value.matchAll(/\{\{-?\s*([A-Za-z_][\w-]*)\.((?:previous\.)?[A-Za-z_][\w-]*)/g),
    ].flatMap(({ 1: secret, 2: field, index }) =>
      secret !== undefined && field !== undefined
        ? [
            {
              secret,
              field,
              path,
              line: lineAt(value, index),
              isOneLine: !value.trim().includes("\n"),
            },
          ]
        : [],
    )
  }
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => usesIn(item, [...path, index]))
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => usesIn(item, [...path, key]))
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length
}
