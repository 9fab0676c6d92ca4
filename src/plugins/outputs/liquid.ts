import { AppError } from "../../base/error.ts"
import type { Fields, Values } from "../../core/ports.ts"
import { previousField, shownField } from "../../core/shown-field.ts"
import { type Inspection, inspectLiquid, liquid } from "./liquid/engine.ts"
import {
  distinct,
  encodings,
  type Named,
  parsePlain,
  type Reference,
  references,
} from "./liquid/parts.ts"

/**
 * Templates are LiquidJS. Loading it costs about 26 ms, so the forms that nearly every template is
 * made of, `{{ secret.field }}`, alone or through one of `encodings`, are parsed and rendered here;
 * a test holds both ways equal.
 */

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
 * True where a template is made of literals and references in the forms that can be undone; whether
 * a text of it can be read in one way only is another question.
 */
export function isReversible(text: string): boolean {
  return parsePlain(text) !== undefined
}

export function renderReference(part: Named, values: Values): string {
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
      hint:
        "mycelium adopt takes over the value that exists, mycelium rotate-now --new makes a " +
        `first one; or show ${secret} in a file of its own`,
    },
  )
}

export function reveal({ secret, field }: Reference, values: Values): string {
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
