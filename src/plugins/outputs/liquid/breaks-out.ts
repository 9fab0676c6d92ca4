import type { Values } from "../../../core/ports.ts"
import { renderReference, renderTemplate, reveal } from "../liquid.ts"
import { inspectLiquid } from "./engine.ts"
import { type Part, parsePlain, type Reference, references } from "./parts.ts"

/**
 * Ends a line, or is no text: anyone who reads the file, or looks at it, would take it for more than a
 * value.
 */
// oxlint-disable-next-line no-control-regex -- those are what it is about
const control = /[\0-\x1f\x7f-\x9f\u2028\u2029]/

/**
 * Which field of `values`, put into this text as it is, would be more there than a value: lines of
 * its own, or the end of the quotes that it stands in. A text that is one value and nothing else
 * has no lines of others. Secrets without a value are left out.
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
