import type { Liquid } from "liquidjs"
import { AppError } from "../../base/error.ts"
import type { Fields, Values } from "../../core/ports.ts"
import { previousField, shownField } from "../../core/shown-field.ts"

/**
 * Templates are LiquidJS. Loading it costs about 26 ms, so the forms that nearly every template is
 * made of,
 * `{{ secret.field }}`, alone or through one of `encodings`, are parsed and rendered here; a test
 * holds both ways equal.
 */

/** `field` may be one of the version that lives beside it: "previous.user". */
export type Reference = { readonly secret: string; readonly field: string }
export type Inspection = {
  /** Each field that the template may show, once. */
  readonly references: readonly Reference[]
  /** What is wrong with it, said for people; never its text. */
  readonly problems: readonly string[]
}
/** By secret, by field. */
export type Shown = Readonly<Record<string, Readonly<Record<string, string>>>>

type Named = Reference & { readonly encoding: Encoding | undefined }
type Part = string | Named

/**
 * Filters that can be undone: how each writes a value, and what value it was written from
 * (undefined: none).
 */
const encodings = {
  url_encode: {
    write: (value: string) => encodeURIComponent(value).replaceAll("%20", "+"),
    read: fromUrl,
  },
  json: { write: (value: string) => JSON.stringify(value), read: fromJson },
  base64_encode: {
    write: (value: string) => Buffer.from(value).toString("base64"),
    read: fromBase64,
  },
} as const
type Encoding = keyof typeof encodings

/** What a template shows, without rendering it. */
export function inspectTemplate(text: string): Inspection {
  const parts = parsePlain(text)
  return parts === undefined
    ? inspectLiquid(text)
    : { references: distinct(references(parts)), problems: [] }
}

/**
 * The template with the values in it. Reveals only the fields that it names, and no more of them
 * than it must.
 */
export function renderTemplate(text: string, values: Values): string {
  const parts = parsePlain(text)
  if (parts !== undefined)
    return parts
      .map((part) => (typeof part === "string" ? part : renderReference(part, values)))
      .join("")
  const { references: named, problems } = inspectLiquid(text)
  if (problems.length > 0) throw new AppError("template-malformed", problems.join("; "))
  const scope: Record<string, Scope> = {}
  for (const reference of named)
    place((scope[reference.secret] ??= {}), reference.field, reveal(reference, values))
  try {
    return String(liquid().parseAndRenderSync(text, scope))
  } catch {
    // LiquidJS quotes the template and its values in what it throws.
    throw new AppError("template-failed", "the template cannot be rendered", {
      hint: "check its tags and filters",
    })
  }
}

type Scope = { [field: string]: string | Scope }

function place(scope: Scope, field: string, value: string): void {
  const inner = previousField(field)
  if (inner === undefined) return void (scope[field] = value)
  const { previous = {} } = scope
  if (typeof previous === "object") scope["previous"] = { ...previous, [inner]: value }
}

/**
 * Ends a line, or is no text: whoever reads the file, or looks at it, would take it for more than a
 * value.
 */
// oxlint-disable-next-line no-control-regex -- those are what it is about
const control = /[\0-\x1f\x7f-\x9f\u2028\u2029]/

/**
 * Which field of `values`, put into this text as it is, would be more there than a value: lines of
 * its own, or the end of the
 * quotes that it stands in. A text that is one value and nothing else has nobody else's lines.
 * Secrets without a value are left out.
 */
export function breaksOut(
  text: string,
  values: Values,
): { readonly place: string; readonly what: "control" | "quote" } | undefined {
  const parts = parsePlain(text)
  if (parts === undefined) return breaksOutOf(text, values)
  const isAlone = parts.every((part) => typeof part !== "string" || part.trim() === "")
  if (isAlone && references(parts).length === 1) return undefined
  for (const [index, part] of parts.entries()) {
    if (typeof part === "string" || !has(values, part)) continue
    const shown = renderReference(part, values)
    const place = `${part.secret}.${part.field}`
    if (control.test(shown)) return { place, what: "control" }
    const quote = quoteAround(parts[index - 1], parts[index + 1])
    if (quote !== undefined && part.encoding === undefined && shown.includes(quote))
      return { place, what: "quote" }
  }
  return undefined
}

/** What filters make of a value shows in the text alone. */
function breaksOutOf(text: string, values: Values): ReturnType<typeof breaksOut> {
  const named = inspectLiquid(text).references
  const odd = named.find((one) => has(values, one) && control.test(reveal(one, values)))
  if (odd === undefined || !named.every((one) => has(values, one))) return undefined
  return renderTemplate(text, values).includes(reveal(odd, values))
    ? { place: `${odd.secret}.${odd.field}`, what: "control" }
    : undefined
}

function has(values: Values, { secret }: Reference): boolean {
  return Object.hasOwn(values, secret)
}

/** The quotation mark that stands right before and right after it. */
function quoteAround(before: Part | undefined, after: Part | undefined): string | undefined {
  if (typeof before !== "string" || typeof after !== "string") return undefined
  const quote = before.at(-1)
  return quote === after[0] && (quote === '"' || quote === "'") ? quote : undefined
}

/**
 * True where a template is made of literals and references in the forms that can be undone; whether
 * a text of it can be read in one way only is another question.
 */
export function isReversible(text: string): boolean {
  return parsePlain(text) !== undefined
}

/**
 * The fields that `rendered` shows, if it is a rendering of this template and can be read in one
 * way only. Templates with
 * more than literals and `{{ secret.field }}`, alone or through one of `encodings`, cannot be read
 * backwards.
 */
export function readBackwards(text: string, rendered: string): Shown | undefined {
  const parts = parsePlain(text)
  if (parts === undefined || references(parts).length === 0) return undefined
  const found = readings(parts, rendered)
  const [only, ...others] = found
  return only !== undefined && others.length === 0 ? only : undefined
}

const plainReference =
  /\{\{\s*([A-Za-z_](?:[\w-]*\w)?)\.((?:previous\.)?[A-Za-z_](?:[\w-]*\w)?)\s*(?:\|\s*(url_encode|json|base64_encode)\s*)?\}\}/g

/** Literals and references; undefined where the template has anything else. */
function parsePlain(text: string): readonly Part[] | undefined {
  const parts: Part[] = []
  let at = 0
  for (const match of text.matchAll(plainReference)) {
    const [whole, secret = "", field = "", encoding] = match
    parts.push(text.slice(at, match.index), {
      secret,
      field,
      encoding: isEncoding(encoding) ? encoding : undefined,
    })
    at = match.index + whole.length
  }
  parts.push(text.slice(at))
  return parts.some((part) => typeof part === "string" && /\{[{%]/.test(part))
    ? undefined
    : parts.filter((part) => part !== "")
}

function isEncoding(word: string | undefined): word is Encoding {
  return word !== undefined && Object.hasOwn(encodings, word)
}

function references(parts: readonly Part[]): readonly Reference[] {
  return parts.flatMap((part) =>
    typeof part === "string" ? [] : [{ secret: part.secret, field: part.field }],
  )
}

function distinct(named: readonly Reference[]): readonly Reference[] {
  return [...new Map(named.map((one) => [`${one.secret}.${one.field}`, one])).values()]
}

function renderReference(part: Named, values: Values): string {
  const value = reveal(part, values)
  return part.encoding === undefined ? value : encodings[part.encoding].write(value)
}

function missing(secret: string, field: string, hasValue: boolean): AppError {
  if (hasValue)
    return new AppError("template-field-missing", `there is no ${secret}.${field}`, {
      hint: "the template names a field that this secret does not have",
    })
  return new AppError(
    "template-field-missing",
    `${secret} has no value yet, and the file shows it, too`,
    {
      hint: `mycelium adopt takes over the value that exists, mycelium rotate-now --new makes a first one; or show ${secret} in a file of its own`,
    },
  )
}

function reveal({ secret, field }: Reference, values: Values): string {
  const credential = Object.hasOwn(values, secret) ? values[secret] : undefined
  const inner = previousField(field)
  // Where none lives beside it, its own are shown: a login that everybody may try is no login.
  const fields: Fields =
    (inner === undefined ? credential?.fields : (credential?.previous ?? credential?.fields)) ?? {}
  const value = shownField(fields, inner ?? field)
  if (value === undefined) throw missing(secret, field, credential !== undefined)
  const text = typeof value === "string" ? value : value.reveal()
  if (!text.isWellFormed())
    throw new AppError("template-failed", `${secret}.${field} is not valid Unicode text`)
  return text
}

/** Beyond this the search is given up: such a template is ambiguous anyway. */
const mostSteps = 20_000

/** Up to two different ways to read `rendered`; the second one is why it is ambiguous. */
function readings(parts: readonly Part[], rendered: string): readonly Shown[] {
  const found = new Map<string, Shown>()
  let steps = 0
  const walk = (index: number, at: number, shown: Shown): void => {
    if (found.size > 1) return
    const part = parts[index]
    if (part === undefined) {
      if (at === rendered.length) found.set(JSON.stringify(shown), shown)
    } else if (typeof part === "string") {
      if (rendered.startsWith(part, at)) walk(index + 1, at + part.length, shown)
    } else {
      for (const end of ends(parts[index + 1], rendered, at)) {
        if (++steps > mostSteps) return
        const next = show(part, rendered.slice(at, end), shown)
        if (next !== undefined) walk(index + 1, end, next)
      }
    }
  }
  walk(0, 0, {})
  return steps > mostSteps ? [] : [...found.values()]
}

/** Where a value that begins at `at` may end: before each place where the next literal stands. */
function* ends(next: Part | undefined, rendered: string, at: number): Generator<number> {
  if (next === undefined) yield rendered.length
  else if (typeof next !== "string") for (let end = at + 1; end < rendered.length; end++) yield end
  else
    for (
      let end = rendered.indexOf(next, at + 1);
      end !== -1;
      end = rendered.indexOf(next, end + 1)
    )
      yield end
}

function show(part: Named, text: string, shown: Shown): Shown | undefined {
  const value = part.encoding === undefined ? text : encodings[part.encoding].read(text)
  if (value === undefined || value === "") return undefined
  const fields = shown[part.secret] ?? {}
  const before = fields[part.field]
  if (before !== undefined && before !== value) return undefined
  return { ...shown, [part.secret]: { ...fields, [part.field]: value } }
}

/**
 * The inverse of url_encode; forgiving about which characters were encoded that need not be, and
 * about the hex digits' case.
 */
function fromUrl(text: string): string | undefined {
  if (!/^[\w\-.!~*'()+%]*$/.test(text)) return undefined
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    return undefined
  }
}

function fromJson(text: string): string | undefined {
  if (!text.startsWith('"')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "string" && value.isWellFormed() ? value : undefined
  } catch {
    return undefined
  }
}

function fromBase64(text: string): string | undefined {
  const bytes = Buffer.from(text, "base64")
  const value = bytes.toString()
  return bytes.toString("base64") === text && Buffer.from(value).equals(bytes) ? value : undefined
}

/**
 * Tags that read files, and filters that answer differently each time: the same values must give
 * the same bytes.
 */
const without = {
  tags: ["include", "render", "layout", "block"],
  filters: [
    "date",
    "date_to_xmlschema",
    "date_to_rfc822",
    "date_to_string",
    "date_to_long_string",
    "sample",
  ],
} as const

let engine: Liquid | undefined
function liquid(): Liquid {
  if (engine !== undefined) return engine
  // Not an import: this must be synchronous for the config loader, and must not be paid for by
  // those who need no LiquidJS.
  const { Liquid: Engine } = require("liquidjs") as { readonly Liquid: typeof Liquid }
  engine = new Engine({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    templates: {},
    parseLimit: 100_000,
    renderLimit: 1000,
    memoryLimit: 1_000_000,
  })
  for (const tag of without.tags) delete engine.tags[tag]
  for (const filter of without.filters) delete engine.filters[filter]
  return engine
}

function inspectLiquid(text: string): Inspection {
  let variables: readonly (readonly unknown[])[]
  try {
    variables = liquid().globalVariableSegmentsSync(text, { partials: false })
  } catch {
    return {
      references: [],
      problems: [
        "the template cannot be read: check its braces, tags and filters; tags that read files and filters for dates do not exist here",
      ],
    }
  }
  const named: Reference[] = []
  const problems: string[] = []
  for (const [secret, field, ...rest] of variables) {
    const [inner, ...more] = rest
    if (typeof secret === "string" && typeof field === "string" && rest.length === 0)
      named.push({ secret, field })
    else if (
      typeof secret === "string" &&
      field === "previous" &&
      typeof inner === "string" &&
      more.length === 0
    )
      named.push({ secret, field: `previous.${inner}` })
    else
      problems.push(
        `the template uses ${typeof secret === "string" ? `"${secret}"` : "a variable"} other than as secret.field, like {{ postgres.password }}`,
      )
  }
  return { references: distinct(named), problems: [...new Set(problems)] }
}
