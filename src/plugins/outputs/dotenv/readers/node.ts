import { withoutEscapes } from "./dotenv.ts"
import { Cursor, type Entry, type Reader, writePlain } from "./reader.ts"

/**
 * `node --env-file` and `util.parseEnv`. No escapes but \n in double quotes; a carriage return is
 * dropped everywhere.
 */
export const node: Reader = {
  comments: true,
  crlf: true,
  parse,
  write: (value, quote) => writePlain(value, quote, (raw) => withoutEscapes(raw, raw, parse)),
}

const skipped = /(?:[ \n\r]+|#[^\n]*)*/y
/**
 * Node 20 takes a comment after blanks, and a line of blanks alone, for a part of the next name.
 */
const joinedToName = / [ \r]*[#\n]/
const name = /([^=\n]*)(=?)/y
const quoted = /(["'`])((?:(?!\1)[^])*)\1[^\n]*/y
const unquoted = /[^#\n]*/y
const restOfLine = /[^\n]*/y

/**
 * A byte order mark is part of the first name. Where versions of Node differ, a value is undefined.
 */
export function parse(text: string): readonly Entry[] {
  const entries: Entry[] = []
  const cursor = new Cursor(text)
  // Node 20 takes a line without = for a part of the next name.
  let [uncertain, unread] = [false, false]
  for (;;) {
    if (joinedToName.test(cursor.take(skipped)?.[0] ?? "")) uncertain = true
    if (cursor.done) return entries
    const [, raw = "", sign] = cursor.take(name) ?? []
    const key = raw
      .replaceAll("\r", "")
      .replace(/^ +| +$/g, "")
      .replace(/^export /, "")
    if (sign === "=" && key !== "") entries.push(entryOf(key, cursor, uncertain))
    // Some versions read no further than to a line without a name.
    unread ||= sign === "=" && key === ""
    uncertain = sign !== "=" || unread
  }
}

function entryOf(key: string, cursor: Cursor, uncertain: boolean): Entry {
  const found = valueAt(cursor)
  // So are tabs around a name.
  const name = key.replace(/^\t+|\t+$/g, "").replace(/^export\t+/, "")
  return { ...found, key: name, value: uncertain || name !== key ? undefined : found.value }
}

function valueAt(cursor: Cursor): Omit<Entry, "key"> {
  const afterSign = cursor.at
  const blank = cursor.take(/[ \t\r]*/y)?.[0] ?? ""
  // With blanks here, some versions go on to the next line; and some keep tabs.
  if (cursor.next === "\n" || cursor.done)
    return { value: /[ \t]/.test(blank) ? undefined : "", start: afterSign, end: afterSign }
  const found = quotedAt(cursor) ?? unquotedAt(cursor, afterSign)
  return blank.includes("\t") ? { ...found, value: undefined } : found
}

function quotedAt(cursor: Cursor): Omit<Entry, "key"> | undefined {
  const start = cursor.at
  const match = cursor.take(quoted)
  if (match === undefined) return undefined
  const raw = match[2] ?? ""
  const value = raw.replaceAll("\r", "")
  const end = start + raw.length + 2
  if (match[1] === '"') return { value: value.replaceAll("\\n", "\n"), start, end, quote: '"' }
  return { value, start, end, quote: match[1] === "'" ? "'" : "`" }
}

function unquotedAt(cursor: Cursor, afterSign: number): Omit<Entry, "key"> {
  const start = cursor.at
  const whole = cursor.take(unquoted)?.[0] ?? ""
  const raw = whole.replace(/[ \t\r]+$/, "")
  cursor.take(restOfLine)
  if (raw === "") return { value: "", start: afterSign, end: afterSign }
  // A quote without an end, and tabs at the end, are read differently from version to version.
  const certain = !/^["'`]/.test(raw) && !/\t/.test(whole.slice(raw.length))
  return { value: certain ? raw.replaceAll("\r", "") : undefined, start, end: start + raw.length }
}
