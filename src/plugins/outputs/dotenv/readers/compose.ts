import {
  Cursor,
  type Entry,
  type Quote,
  type Reader,
  bom,
  hasOddBlank,
  unreadable,
  writePlain,
} from "./reader.ts"

/**
 * Docker Compose (compose-go): `env_file:` and the project's own `.env`. Follows dotenv/parser.go
 * and template/template.go.
 */
export const compose: Reader = {
  comments: true,
  crlf: true,
  parse,
  // A backtick must not be escaped: its backslash would stay.
  write: (value, quote) =>
    writePlain(value, quote, () => ({
      text: `"${value
        .replace(/[\\"$]/g, "\\$&")
        .replaceAll("\n", "\\n")
        .replaceAll("\r", "\\r")}"`,
    })),
}

const skipped = /(?:[\t\n\v\f\r ]+|#[^\n]*)*/y
const exported = /export(?=[\t\n\v\f\r ])[\t\v\f\r ]*/y
const name = /([\w.\-[\]\x80-\xff\t\v\f\r ]*)([=:\n]|$)/y
const blanks = /[\t\v\f\r ]*/y
const quoted = /(["'])((?:(?!\1)[^\\]|\\[^])*)\1/y
const unquoted = /([^\n]*?)(?:[\t\v\f\r ]*)(?: #[^\n]*)?(?=\n|$)/y

function parse(text: string): readonly Entry[] {
  const entries: Entry[] = []
  const cursor = new Cursor(text, text.startsWith(bom) ? bom.length : 0)
  for (;;) {
    cursor.take(skipped)
    if (cursor.done) return entries
    const at = cursor.at
    cursor.take(exported)
    const [, key = "", end] = cursor.take(name) ?? []
    if (end === undefined)
      throw unreadable(text, at, "the name of a variable holds a character that Compose refuses")
    if (/[\t\v\f\r ]/.test(key.trimEnd()))
      throw unreadable(text, at, "the name of a variable holds a blank")
    // A name without a value is taken from Compose's own environment.
    if (end === "=" || end === ":") entries.push({ key: key.trimEnd(), ...valueAt(cursor) })
  }
}

function valueAt(cursor: Cursor): Omit<Entry, "key"> {
  const afterSign = cursor.at
  cursor.take(blanks)
  const start = cursor.at
  if (cursor.next === '"' || cursor.next === "'") return quotedAt(cursor, cursor.next)
  const raw = cursor.take(unquoted)?.[1] ?? ""
  // An empty value is written right after the sign, so that what follows on the line stays where it
  // is.
  if (raw === "") return { value: "", start: afterSign, end: afterSign }
  return { value: hasOddBlank(raw) ? undefined : substitute(raw), start, end: start + raw.length }
}

function quotedAt(cursor: Cursor, quote: Quote): Omit<Entry, "key"> {
  const start = cursor.at
  const match = cursor.take(quoted)
  if (match === undefined) throw unreadable(cursor.text, start, "a quoted value has no end")
  const raw = (match[2] ?? "").replace(/\\([^])/g, (pair, char) => (char === quote ? quote : pair))
  return { value: quote === '"' ? substitute(unescape(raw)) : raw, start, end: cursor.at, quote }
}

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  $: "$$",
}

function unescape(raw: string): string {
  return raw.replace(
    /\\(?:([abfnrtv$"\\])|0(\d{0,3}))/g,
    (whole, char: string | undefined, octal: string | undefined) => {
      if (char !== undefined) return escapes[char] ?? whole
      return octal !== undefined && /^[0-3][0-7]{2}$/.test(octal)
        ? Buffer.from(String.fromCharCode(Number.parseInt(octal, 8)), "utf8").toString("latin1")
        : whole
    },
  )
}

/** `$$` is a dollar; a variable's name makes the value unknowable here. */
function substitute(value: string): string | undefined {
  if (/\$[A-Za-z_{]/.test(value.replaceAll("$$", "\0"))) return undefined
  return value.replaceAll("$$", () => "$")
}
