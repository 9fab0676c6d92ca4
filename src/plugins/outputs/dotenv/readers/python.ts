import {
  Cursor,
  type Entry,
  type Quote,
  type Reader,
  agreed,
  firstReadBack,
  firstRefusal,
  hasOddBlank,
  writePlain,
} from "./reader.ts"

/**
 * python-dotenv, and docker-compose 1.x which was built on it. Follows dotenv/parser.py and
 * variables.py, of 0.21 and of 1.2.
 */
export const python: Reader = {
  comments: true,
  crlf: true,
  parse,
  write: (value, quote) =>
    writePlain(
      value,
      quote,
      (raw) =>
        firstReadBack(
          raw,
          [`"${raw.replace(/[\\"]/g, "\\$&").replaceAll("\r", "\\r")}"`, raw],
          parse,
        ) ??
        firstRefusal(raw, refusals) ?? { refused: "no kind of quotes carries it" },
    ),
}

const refusals: readonly (readonly [RegExp, string])[] = [
  [/\$\{/, "it holds ${, which this reader takes for a variable in every kind of quotes"],
  [
    /\\$/,
    "it needs quotes and ends in a backslash, after which this reader does not see the closing quote",
  ],
]

const space = /[\t-\r ]*/y
const blank = /[\t\v\f ]*/y
const exported = /(?:export[\t\v\f ]+)?/y
const name = /'([^']+)'|([^=#\t-\r ]+)/y
type Age = {
  readonly single: RegExp
  readonly double: RegExp
  readonly commentForValue: boolean
  readonly bom: RegExp
}
const old: Age = {
  single: /'((?:\\'|[^'])*)'/y,
  double: /"((?:\\"|[^"])*)"/y,
  commentForValue: false,
  bom: /(?:)/y,
}
/** A backslash always escapes what follows it, and `A= # text` is empty. */
const young: Age = {
  single: /'((?:\\[^]|[^'\\])*)'/y,
  double: /"((?:\\[^]|[^"\\])*)"/y,
  commentForValue: true,
  bom: /\xef\xbb\xbf/y,
}
const unquoted = /[^\r\n]*/y
const lineEnd = /(?:[\t\v\f ]*#[^\r\n]*)?[\t\v\f ]*(?:\r\n|\n|\r|$)/y
const rest = /[^\r\n]*(?:\r\n|\r|\n)?/y

function parse(text: string): readonly Entry[] {
  return agreed(parseAs(old, text), parseAs(young, text))
}

/** A byte order mark is part of the first name for the old. */
function parseAs(age: Age, text: string): readonly Entry[] {
  const entries: Entry[] = []
  const cursor = new Cursor(text)
  cursor.take(age.bom)
  while (!cursor.done) {
    cursor.take(space)
    const entry = cursor.done ? undefined : statement(age, cursor)
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}

/**
 * One line, or several where a value is quoted. What it cannot read it skips, up to the end of that
 * line.
 */
function statement(age: Age, cursor: Cursor): Entry | undefined {
  const isComment = cursor.next === "#"
  cursor.take(exported)
  const found = isComment ? undefined : cursor.take(name)
  cursor.take(blank)
  const value = found === undefined ? undefined : assigned(age, cursor)
  if (cursor.take(lineEnd) === undefined) {
    cursor.take(rest)
    return undefined
  }
  return found === undefined || value === undefined
    ? undefined
    : { key: found[1] ?? found[2] ?? "", ...value }
}

/** A name alone takes its value away, if it had one. */
function assigned(age: Age, cursor: Cursor): Omit<Entry, "key"> | undefined {
  const nothing = { value: undefined, start: cursor.at, end: cursor.at }
  return cursor.take(/=/y) === undefined ? nothing : valueAt(age, cursor)
}

function valueAt(age: Age, cursor: Cursor): Omit<Entry, "key"> | undefined {
  const afterSign = cursor.at
  cursor.take(blank)
  const start = cursor.at
  if (age.commentForValue && start > afterSign && cursor.next === "#")
    return { value: "", start: afterSign, end: afterSign }
  if (cursor.next === "'") return quotedAt(cursor, "'", age.single, /\\[\\']/g)
  if (cursor.next === '"') return quotedAt(cursor, '"', age.double, /\\[\\'"abfnrtv]/g)
  const raw = (cursor.take(unquoted)?.[0] ?? "")
    .replace(/[\t\v\f ]+#.*/, "")
    .replace(/[\t\v\f ]+$/, "")
  if (raw === "") return { value: "", start: afterSign, end: afterSign }
  return { value: hasOddBlank(raw) ? undefined : resolved(raw), start, end: start + raw.length }
}

function quotedAt(
  cursor: Cursor,
  quote: Quote,
  pattern: RegExp,
  escape: RegExp,
): Omit<Entry, "key"> | undefined {
  const start = cursor.at
  const match = cursor.take(pattern)
  if (match === undefined) return undefined
  const value = (match[1] ?? "")
    .replace(/\r\n?/g, "\n")
    .replace(escape, (pair) => escapes[pair.charAt(1)] ?? pair.charAt(1))
  return { value: resolved(value), start, end: cursor.at, quote }
}

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
}

function resolved(value: string): string | undefined {
  return /\$\{[^}]*\}/.test(value) ? undefined : value
}
