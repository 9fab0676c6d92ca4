import { present } from "../../../../base/present.ts"
import {
  type Entry,
  type Quote,
  type Reader,
  type Written,
  bom,
  firstReadBack,
  firstRefusal,
  hasOddBlank,
  writePlain,
} from "./reader.ts"

/**
 * npm dotenv, whose one regular expression this follows. It has no escapes: a value is given the
 * first kind of quotes that fits, or none.
 */
export const dotenv: Reader = {
  comments: true,
  crlf: true,
  parse,
  write: (value, quote) => writePlain(value, quote, (raw) => withoutEscapes(raw, raw, parse)),
}

const kinds = ["'", '"', "`"] as const satisfies readonly Quote[]

/**
 * `text` in the first kind of quotes, or in none, in which the reader finds `value`; or why there
 * is no such way.
 */
export function withoutEscapes(value: string, text: string, parse: Reader["parse"]): Written {
  const returns = text.replaceAll("\r", "\\r")
  const breaks = returns.replaceAll("\n", "\\n")
  const ways = [
    ...kinds.map((quote) => `${quote}${text}${quote}`),
    text,
    ...[returns, breaks].filter((one) => one !== text).map((one) => `"${one}"`),
  ]
  return (
    firstReadBack(value, ways, parse) ??
    firstRefusal(value, refusals) ?? {
      refused: "it needs quotes and holds every kind of them, and this reader has no escapes",
    }
  )
}

const refusals: readonly (readonly [RegExp, string])[] = [
  [
    /\r/,
    "it holds a carriage return, which this reader changes in all quotes that the rest fits in",
  ],
  [
    /\\$/,
    "it needs quotes and ends in a backslash, after which this reader does not see the closing quote",
  ],
]

/** What JavaScript's \s, and its ^, $ and . know as a blank and a line's end, in bytes of UTF-8. */
const blank =
  "(?:[\\t-\\r " +
  "]|\\xc2\\xa0|\\xe1\\x9a\\x80|\\xe2\\x80[\\x80-\\x8a\\xa8\\xa9\\xaf]|\\xe2\\x81\\x9f|\\xe3\\x80\\x80|\\xef\\xbb\\xbf)"
const separator = "\\xe2\\x80[\\xa8\\xa9]"
const begin = `(?:^|(?<=${separator}))`
const end = `(?:$|(?=${separator}))`
const quoted = ["'", '"', "`"]
  .map((quote) => `${blank}*${quote}(?:\\\\${quote}|[^${quote}])*${quote}`)
  .join("|")
const line = new RegExp(
  `${begin}${blank}*(?:export${blank}+)?([\\w.-]+)(?:${blank}*=${blank}*?|:${blank}+?)(${quoted}|[^#\\r\\n]+)?${blank}*(?:#(?:(?!${separator}).)*)?${end}`,
  "dgm",
)

export function parse(text: string): readonly Entry[] {
  const { plain, origin } = withPlainBreaks(text)
  const entries: Entry[] = []
  // The reader decodes its file as UTF-8, and there a byte order mark is a blank.
  for (const match of plain.matchAll(line)) {
    const [, key = "", raw = ""] = match
    const trimmed = raw.replace(/^[\t-\r ]+|[\t-\r ]+$/g, "")
    const sign =
      plain.slice(match.indices?.[1]?.[1]).search(/[=:]/) + (match.indices?.[1]?.[1] ?? 0) + 1
    const start =
      trimmed === "" ? sign : (match.indices?.[2]?.[0] ?? sign) + raw.search(/[^\t-\r ]/)
    const quote = quoteAround(trimmed)
    entries.push({
      key,
      value: quote === undefined && hasOddBlank(raw) ? undefined : valueOf(trimmed),
      start: origin(start),
      end: origin(start + trimmed.length),
      ...present({ quote }),
    })
  }
  return entries
}

function quoteAround(trimmed: string): Quote | undefined {
  return kinds.find(
    (quote) => trimmed.length > 1 && trimmed.startsWith(quote) && trimmed.endsWith(quote),
  )
}

const stripped = new RegExp(`${begin}(['"\`])([^]*)\\1${end}`, "gm")

function valueOf(trimmed: string): string {
  const value = trimmed.replace(stripped, "$2")
  return trimmed.startsWith('"') ? value.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : value
}

/** The reader sees \r\n and \r as \n; `origin` leads from its offsets back to ours. */
function withPlainBreaks(text: string): {
  readonly plain: string
  readonly origin: (at: number) => number
} {
  const shift = text.startsWith(bom) ? bom.length : 0
  const body = text.slice(shift)
  const dropped = [...body.matchAll(/\r(?=\n)/g)].map(({ index }, count) => index - count)
  const origin = (at: number): number => at + shift + dropped.filter((place) => place < at).length
  return { plain: body.replace(/\r\n?/g, "\n"), origin }
}
