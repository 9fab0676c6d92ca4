import { inQuotes, refusals } from "./dotenv.ts"
import { Cursor, type Entry, type Reader, bom, firstRefusal, writePlain } from "./reader.ts"

/** `node --env-file` and `util.parseEnv`. No escapes but \n in double quotes; a carriage return is dropped everywhere. */
export const node: Reader = {
  comments: true,
  parse,
  write: (value, quote) => writePlain(value, quote, (raw) => firstRefusal(raw, refusals) ?? inQuotes(raw)),
}

const skipped = /(?:[ \t\n\r]+|#[^\n]*)*/y
const name = /([^=\n]*)(=?)/y
const quoted = /(["'`])((?:(?!\1)[^])*)\1[^\n]*/y
const bare = /[^#\n]*/y
const comment = /[^\n]*/y

function parse(text: string): readonly Entry[] {
  const entries: Entry[] = []
  const cursor = new Cursor(text, text.startsWith(bom) ? bom.length : 0)
  for (;;) {
    cursor.take(skipped)
    if (cursor.done) return entries
    const [, raw = "", sign] = cursor.take(name) ?? []
    const key = raw.replaceAll("\r", "").replace(/^[ \t]+|[ \t]+$/g, "").replace(/^export /, "")
    if (sign === "=" && key !== "") entries.push({ key, ...valueAt(cursor) })
  }
}

function valueAt(cursor: Cursor): Omit<Entry, "key"> {
  const afterSign = cursor.at
  const blank = cursor.take(/[ \t\r]*/y)?.[0] ?? ""
  const start = cursor.at
  // Some versions go on to the next line here.
  if (cursor.next === "\n" || cursor.done) return { value: blank.replaceAll("\r", "") === "" ? "" : undefined, start: afterSign, end: afterSign }
  const match = cursor.take(quoted)
  if (match !== undefined) {
    const [, mark, raw = ""] = match
    const value = raw.replaceAll("\r", "")
    const end = start + raw.length + 2
    if (mark === '"') return { value: value.replaceAll("\\n", "\n"), start, end, quote: '"' }
    return { value, start, end, quote: mark === "'" ? "'" : "`" }
  }
  const raw = (cursor.take(bare)?.[0] ?? "").replace(/[ \t\r]+$/, "")
  cursor.take(comment)
  // A quote that does not end is read differently from version to version.
  if (/^["'`]/.test(raw)) return { value: undefined, start, end: start + raw.length }
  if (raw === "") return { value: "", start: afterSign, end: afterSign }
  return { value: raw.replaceAll("\r", ""), start, end: start + raw.length }
}
