import { type Entry, type Quote, type Reader, type Written, bom, firstReadBack, firstRefusal, hasOddBlank, writePlain } from "./reader.ts"

/** npm dotenv, whose one regular expression this follows. It has no escapes: a value is given the first kind of quotes that fits, or none. */
export const dotenv: Reader = {
  comments: true,
  parse,
  write: (value, quote) => writePlain(value, quote, (raw) => withoutEscapes(raw, raw, parse)),
}

const kinds = ["'", '"', "`"] as const satisfies readonly Quote[]

/** `text` in the first kind of quotes, or in none, in which the reader finds `value`; or why there is no such way. */
export function withoutEscapes(value: string, text: string, parse: Reader["parse"]): Written {
  const ways = [...kinds.map((quote) => `${quote}${text}${quote}`), text, ...(text.includes("\r") ? [`"${text.replaceAll("\r", "\\r")}"`] : [])]
  return firstReadBack(value, ways, parse) ?? firstRefusal(value, refusals) ?? { refused: "it needs quotes and holds every kind of them, and this reader has no escapes" }
}

const refusals: readonly (readonly [RegExp, string])[] = [
  [/\r/, "it holds a carriage return, which this reader changes in all quotes that the rest fits in"],
  [/\\$/, "it needs quotes and ends in a backslash, after which this reader does not see the closing quote"],
]

const line = /^[\t-\r ]*(?:export[\t-\r ]+)?([\w.-]+)(?:[\t-\r ]*=[\t-\r ]*?|:[\t-\r ]+?)([\t-\r ]*'(?:\\'|[^'])*'|[\t-\r ]*"(?:\\"|[^"])*"|[\t-\r ]*`(?:\\`|[^`])*`|[^#\r\n]+)?[\t-\r ]*(?:#.*)?$/dgm

export function parse(text: string): readonly Entry[] {
  const { plain, origin } = withPlainBreaks(text)
  const entries: Entry[] = []
  // The reader decodes its file as UTF-8, and there a byte order mark is a blank.
  for (const match of plain.matchAll(line)) {
    const [, key = "", raw = ""] = match
    const trimmed = raw.replace(/^[\t-\r ]+|[\t-\r ]+$/g, "")
    const sign = plain.slice(match.indices?.[1]?.[1]).search(/[=:]/) + (match.indices?.[1]?.[1] ?? 0) + 1
    const start = trimmed === "" ? sign : (match.indices?.[2]?.[0] ?? sign) + raw.search(/[^\t-\r ]/)
    const quote = quoteAround(trimmed)
    entries.push({ key, value: quote === undefined && hasOddBlank(raw) ? undefined : valueOf(trimmed), start: origin(start), end: origin(start + trimmed.length), ...(quote === undefined ? {} : { quote }) })
  }
  return entries
}

function quoteAround(trimmed: string): Quote | undefined {
  return kinds.find((quote) => trimmed.length > 1 && trimmed.startsWith(quote) && trimmed.endsWith(quote))
}

function valueOf(trimmed: string): string {
  const value = trimmed.replace(/^(['"`])([^]*)\1$/gm, "$2")
  return trimmed.startsWith('"') ? value.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : value
}

/** The reader sees \r\n and \r as \n; `origin` leads from its offsets back to ours. */
function withPlainBreaks(text: string): { readonly plain: string; readonly origin: (at: number) => number } {
  const shift = text.startsWith(bom) ? bom.length : 0
  const body = text.slice(shift)
  const dropped = [...body.matchAll(/\r(?=\n)/g)].map(({ index }, count) => index - count)
  const origin = (at: number): number => at + shift + dropped.filter((place) => place < at).length
  return { plain: body.replace(/\r\n?/g, "\n"), origin }
}
