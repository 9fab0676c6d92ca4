import type { core, output, ZodType } from "zod"
import { present } from "../base/present.ts"
import type { Path, Report } from "./problems.ts"
import { nearest } from "./nearest.ts"
import { mark, sentenceFor, unknownKey } from "./sentences.ts"

export type Asked = {
  readonly value: unknown
  readonly path: Path
  readonly report: Report
  /** Keys that stand beside those of the schema, for suggestions. */
  readonly alsoKnown?: readonly string[]
}

/** What `schema` makes of the value; otherwise undefined, and every problem is reported. */
export function validate<Schema extends ZodType>(
  schema: Schema,
  asked: Asked,
): output<Schema> | undefined {
  const before = accepted<Schema>(schema)
  const word = wordFor(asked.value)
  if (word !== undefined && before.has(word)) return before.get(word)
  const parsed = schema.safeParse(asked.value, { error: sentenceFor })
  if (parsed.success && word !== undefined && before.size < mostAccepted)
    before.set(word, parsed.data)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) tell(issue, [], asked)
  return undefined
}

const known = new WeakMap<ZodType, Map<string, unknown>>()
const mostAccepted = 100

/**
 * What a schema has made of the short values that thousands of secrets share. A schema looks at
 * nothing but the value.
 */
function accepted<Schema extends ZodType>(schema: Schema): Map<string, output<Schema>> {
  const found = known.get(schema) ?? new Map<string, unknown>()
  known.set(schema, found)
  return found as Map<string, output<Schema>>
}

/** A text, or a map without a key. */
function wordFor(value: unknown): string | undefined {
  if (typeof value === "string") return value.length <= 64 ? `text ${value}` : undefined
  return typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length === 0
    ? "nothing"
    : undefined
}

/**
 * What `schema` makes of a map without the keys that are wrong in it: what is sound is judged on,
 * so that every problem is told at once.
 */
export function soundPart<Schema extends ZodType>(
  schema: Schema,
  value: unknown,
): output<Schema> | undefined {
  const parsed = schema.safeParse(value)
  if (parsed.success || typeof value !== "object" || value === null) return parsed.data
  const faulty = new Set(
    parsed.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys" ? issue.keys : issue.path.slice(0, 1).map(String),
    ),
  )
  return schema.safeParse(
    Object.fromEntries(Object.entries(value).filter(([key]) => !faulty.has(key))),
  ).data
}

type Issue = core.$ZodIssue

/** `base` is the path of the union around the issue: inside one, paths begin anew. */
function tell(issue: Issue, base: Path, asked: Asked): void {
  const inner = [...base, ...steps(issue.path)]
  const path = [...asked.path, ...inner]
  const ours = issue.message.startsWith(mark)
  const message = ours ? issue.message.slice(mark.length) : issue.message
  if (isMissing(issue, inner, asked.value))
    return tellMissing(path, ours ? undefined : message, asked)
  if (issue.code === "invalid_union" && !ours && isTelling(likeliest(issue), inner, asked))
    return tellUnion(issue, inner, asked)
  if (!ours)
    return asked.report({
      path,
      message: withoutValue(message, valueAt(asked.value, inner)),
      ...(issue.code === "custom" ? { whole: true } : {}),
    })
  if (issue.code === "unrecognized_keys") return tellUnknown(issue.keys, message, inner, asked)
  if (issue.code === "invalid_union") return tellUnion(issue, inner, asked)
  if (issue.code === "invalid_key") {
    const reason = issue.issues[0]?.message ?? ""
    return asked.report({
      path,
      at: "key",
      message: reason === "" || reason.startsWith(mark) ? "this key is not allowed here" : reason,
    })
  }
  asked.report({ path, message })
}

function tellMissing(path: Path, hint: string | undefined, asked: Asked): void {
  const key = String(path.at(-1))
  asked.report({
    path: path.slice(0, -1),
    at: "key",
    missing: key,
    message: `required key \`${key}\` is missing`,
    ...present({ hint }),
  })
}

function tellUnknown(keys: readonly string[], known: string, inner: Path, asked: Asked): void {
  const names = wordsIn(known)
  const all = inner.length === 0 ? [...names, ...(asked.alsoKnown ?? [])] : names
  for (const key of keys) {
    const place = [...inner, key]
    asked.report({
      path: [...asked.path, ...place],
      ...unknownKey(key, valueAt(asked.value, place), all),
    })
  }
}

function wordsIn(list: string): readonly string[] {
  const words: unknown = JSON.parse(list)
  return Array.isArray(words) ? words.map(String) : []
}

type Union = Issue & { readonly code: "invalid_union" }

/** Reports what the likeliest alternative lacks; if none is likely, what each would take. */
function tellUnion(issue: Union, inner: Path, asked: Asked): void {
  const best = likeliest(issue)
  if (best !== undefined) return best.forEach((one) => tell(one, inner, asked))
  const wanted = new Set(
    issue.errors.flatMap(([first]) =>
      first?.message.startsWith(mark) ? [first.message.slice(mark.length)] : [],
    ),
  )
  const words = [...wanted].map((message) =>
    message.replace(/^expected /, "").replace(/(, found nothing|: put it in quotes)$/, ""),
  )
  asked.report({
    path: [...asked.path, ...inner],
    message: words.length === 0 ? "is not allowed here" : `expected ${words.join(" or ")}`,
  })
}

/** The problems of the alternative that got furthest, if one takes this kind of value at all. */
function likeliest(issue: Union): readonly Issue[] | undefined {
  const deeper = issue.errors.filter(
    (issues) => !issues.some((one) => one.code === "invalid_type" && one.path.length === 0),
  )
  return deeper.toSorted((a, b) => weight(a) - weight(b))[0]
}

/**
 * Do these say more than the union's own words: a misspelt key, or a wrong value under a key that
 * is known?
 */
function isTelling(issues: readonly Issue[] | undefined, inner: Path, asked: Asked): boolean {
  const misspelt = (one: Issue): boolean =>
    one.code === "unrecognized_keys" &&
    one.message.startsWith(mark) &&
    one.keys.every((key) => nearest(key, wordsIn(one.message.slice(mark.length))) !== undefined)
  const wrong = (one: Issue): boolean =>
    one.path.length > 0 && !isMissing(one, [...inner, ...steps(one.path)], asked.value)
  return (
    (issues ?? []).some((one) => misspelt(one) || wrong(one)) &&
    (issues ?? []).every((one) => one.code !== "unrecognized_keys" || misspelt(one))
  )
}

/** A key that the alternative does not know speaks most against it. */
function weight(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => sum + weightOf(issue), 0)
}

function weightOf({ code, path }: Issue): number {
  if (code === "unrecognized_keys") return 100
  return path.length === 0 ? 10 : 1
}

function isMissing(issue: Issue, inner: Path, value: unknown): boolean {
  const structural =
    issue.code === "invalid_type" ||
    issue.code === "invalid_union" ||
    issue.code === "invalid_value"
  return (
    structural &&
    inner.length > 0 &&
    typeof inner.at(-1) === "string" &&
    valueAt(value, inner) === undefined
  )
}

function steps(path: readonly PropertyKey[]): Path {
  return path.map((step) => (typeof step === "number" ? step : String(step)))
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inside, step) => {
    if (typeof inside !== "object" || inside === null) return undefined
    return Object.getOwnPropertyDescriptor(inside, step)?.value
  }, value)
}

/** A plug-in's own words, unless they repeat what was written. */
function withoutValue(message: string, value: unknown): string {
  return typeof value === "string" && value.length >= 6 && message.includes(value)
    ? "is not allowed here"
    : message
}
