import { resolve } from "node:path"
import { present } from "../base/present.ts"
import type { OutputType } from "../core/define.ts"
import { ask, type Context } from "./context.ts"
import type { OutputDraft } from "./draft.ts"
import type { Path } from "./problems.ts"
import { oneOf, unknownKey } from "./sentences.ts"
import { mostGuessed, nearest } from "./nearest.ts"
import { soundPart, validate } from "./validate.ts"

/** An output is known by its key (`dotenv: .env`); its plug-in's schema takes the whole map. */
export function readOutput(raw: unknown, path: Path, context: Context): OutputDraft {
  const type = findType(raw, path, context)
  if (type === undefined) return { path, config: undefined }
  const written =
    validate(type.options, { value: raw, path, report: context.report }) ??
    soundPart(type.options, raw)
  if (written === undefined) return { path, config: undefined }
  const source = type.source?.from(written)
  const from = source === undefined ? undefined : resolve(context.folder, source)
  const embedded =
    from === undefined
      ? raw
      : ask(context, [...path, "from"], () => type.source?.embed(raw, context.readText(from)))
  const options = from === undefined ? written : type.options.safeParse(embedded).data
  if (options === undefined) return { path, config: undefined }
  const seen = ask(context, path, () => type.inspect(options))
  const target = ask(context, path, () => type.target(options, context.folder))
  for (const problem of seen?.problems ?? [])
    context.report({
      path: from === undefined ? [...path, ...problem.path] : [...path, "from"],
      message: problem.message,
    })
  if (target === undefined) return { path, config: undefined }
  const files = ask(context, path, () => type.files?.(options, context.folder))
  return {
    path,
    config: {
      type: type.type,
      target: type.entry === true ? target : resolve(context.folder, target),
      ...present({ entry: type.entry, readers: type.readers?.(options), files, from }),
      shows: seen?.shows ?? [],
      options: embedded,
    },
  }
}

function findType(raw: unknown, path: Path, { plugins, report }: Context): OutputType | undefined {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    report({ path, message: "expected a map of keys" })
    return undefined
  }
  const keys = Object.keys(raw)
  const types = plugins.outputs.map(({ type }) => type)
  const found = plugins.outputs.filter(({ type }) => keys.includes(type))
  if (found.length > 1)
    report({
      path,
      message: `is two outputs in one: keep one of ${found.map(({ type }) => type).join(", ")}`,
    })
  if (found.length > 0) return found.length === 1 ? found[0] : undefined
  const misspelt = keys.slice(0, mostGuessed).find((key) => nearest(key, types) !== undefined)
  if (misspelt === undefined)
    report({ path, message: `does not say which kind of output it is: ${oneOf(types, undefined)}` })
  else report({ path: [...path, misspelt], ...unknownKey(misspelt, "", types) })
  return undefined
}
