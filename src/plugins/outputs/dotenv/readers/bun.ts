import { withoutEscapes } from "./dotenv.ts"
import { Cursor, type Entry, type Quote, type Reader, bom, writePlain } from "./reader.ts"

/**
 * Bun's own `.env` loading. Variables are expanded in every kind of quotes; only a dollar can be
 * escaped.
 */
export const bun: Reader = {
  comments: true,
  crlf: true,
  parse,
  write: (value, quote) =>
    writePlain(value, quote, (raw) => withoutEscapes(raw, raw.replaceAll("$", "\\$"), parse)),
}

const space = /[\t\n\v\f\r ]*/y
const name =
  /(?:export[\t\n\v\f\r ]+(?=[\w.-]+[\t\n\v\f\r ]*(?:=|:[\t\n\v\f\r ])))?([\w.-]+)[\t\n\v\f\r ]*(?:=|:[\t\n\v\f\r ])/y
const restOfLine = /[^\n\r]*[\n\r]?/y
const quotedText = /(["'`])((?:(?!\1)[^\\]|\\[^])*)\1/y
const cleanEnd = /[\t\v\f ]*(?:#[^\n\r]*)?(?:[\n\r]|$)/y
const bare = /[^#\r\n]*/y

function parse(text: string): readonly Entry[] {
  const entries: Entry[] = []
  const cursor = new Cursor(text, text.startsWith(bom) ? bom.length : 0)
  while (!cursor.done) {
    cursor.take(space)
    const match = cursor.take(name)
    if (match === undefined) cursor.take(restOfLine)
    else entries.push({ key: match[1] ?? "", ...valueAt(cursor) })
  }
  return entries
}

function valueAt(cursor: Cursor): Omit<Entry, "key"> {
  const afterSign = cursor.at
  cursor.take(space)
  const start = cursor.at
  const match = cursor.take(quotedText)
  if (match !== undefined) {
    const quote = quoteOf(match[1])
    const end = cursor.at
    // Bun 1.4 ignores what follows the quote; earlier ones looked for a later quote instead.
    const certain = cursor.take(cleanEnd) !== undefined
    if (!certain) cursor.take(restOfLine)
    return {
      value: certain ? expanded(unescape(match[2] ?? "", quote)) : undefined,
      start,
      end,
      quote,
    }
  }
  cursor.at = afterSign
  const whole = cursor.take(bare)?.[0] ?? ""
  const raw = whole.replace(/^[\t\v\f ]+|[\t\v\f ]+$/g, "")
  if (raw === "") return { value: "", start: afterSign, end: afterSign }
  const from = afterSign + whole.indexOf(raw)
  return { value: expanded(raw), start: from, end: from + raw.length }
}

function quoteOf(mark: string | undefined): Quote {
  return mark === '"' || mark === "'" ? mark : "`"
}

function unescape(raw: string, quote: Quote): string {
  // In double quotes a backslash keeps what follows it as it is.
  if (quote === '"')
    return raw.replace(/\\([^])|\r\n?/g, (pair, char: string | undefined) =>
      char === undefined ? "\n" : (escapes.get(char) ?? pair),
    )
  return raw.replace(/\r\n?/g, "\n")
}

const escapes = new Map([
  ["n", "\n"],
  ["r", "\r"],
])

/** `\$` is a dollar; any other dollar names a variable. */
export function expanded(value: string): string | undefined {
  return /(?<!\\)\$/.test(value) ? undefined : value.replaceAll("\\$", "$")
}
