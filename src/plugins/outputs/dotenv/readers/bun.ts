import { inQuotes } from "./dotenv.ts"
import { Cursor, type Entry, type Quote, type Reader, firstRefusal, writePlain } from "./reader.ts"

/** Bun's own `.env` loading. Variables are expanded in every kind of quotes; only a dollar can be escaped. */
export const bun: Reader = {
  comments: true,
  parse,
  write: (value, quote) =>
    writePlain(value, quote, (raw) => firstRefusal(raw, refusals) ?? inQuotes(raw.replaceAll("$", "\\$"))),
}

const refusals: readonly (readonly [RegExp, string])[] = [
  [/\r/, "it holds a carriage return, which this reader turns into a line break"],
  [/\\/, "it holds a backslash, which this reader cannot be given"],
]

const space = /[\t\n\v\f\r \xa0]*/y
const name = /(?:export[\t\n\v\f\r \xa0]+(?=[\w.-]+[\t\n\v\f\r \xa0]*(?:=|:[\t\n\v\f\r \xa0])))?([\w.-]+)[\t\n\v\f\r \xa0]*(?:=|:[\t\n\v\f\r \xa0])/y
const restOfLine = /[^\n\r]*[\n\r]?/y
/** A quote that neither a break, a comment nor the end follows is part of the value. */
const quotedText = /(["'`])((?:[^\\]|\\[^])*?)\1(?=[\t\v\f \xa0]*(?:[\n\r#]|$))/y
const bare = /[^#\r\n]*/y

function parse(text: string): readonly Entry[] {
  const entries: Entry[] = []
  const cursor = new Cursor(text)
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
    const quote: Quote = match[1] === '"' ? '"' : match[1] === "'" ? "'" : "`"
    return { value: expanded(unescape(match[2] ?? "", quote)), start, end: cursor.at, quote }
  }
  cursor.at = afterSign
  const whole = cursor.take(bare)?.[0] ?? ""
  const raw = whole.replace(/^[\t\v\f \xa0]+|[\t\v\f \xa0]+$/g, "")
  if (raw === "") return { value: "", start: afterSign, end: afterSign }
  const from = afterSign + whole.indexOf(raw)
  return { value: expanded(raw), start: from, end: from + raw.length }
}

function unescape(raw: string, quote: Quote): string {
  const broken = raw.replace(/\r\n?/g, "\n")
  return quote === '"' ? broken.replace(/\\([^])/g, (pair, char) => (char === "n" ? "\n" : char === "r" ? "\r" : pair)) : broken
}

/** `\$` is a dollar; any other dollar names a variable. */
export function expanded(value: string): string | undefined {
  return /(?<!\\)\$/.test(value) ? undefined : value.replaceAll("\\$", "$")
}
