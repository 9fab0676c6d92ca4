import { Cursor, type Entry, type Quote, type Reader, writePlain } from "./reader.ts"

/**
 * systemd's `EnvironmentFile=`. Follows src/basic/env-file.c: no inline comments, no variables,
 * quoted pieces may be joined.
 */
export const systemd: Reader = {
  comments: true,
  crlf: true,
  parse,
  write: (value, quote) =>
    writePlain(value, quote, () => ({ text: `"${value.replace(/[\\"$`]/g, "\\$&")}"` })),
}

const blankOrBreak = /[ \t\n\r]*/y
const comment = /[#;](?:[^\\\n\r]|\\[^])*\\?/y
const name = /([^\n\r=]*)(=?)/y
const blank = /[ \t]*/y
const single = /'([^']*)(?:'|$)/y
const double = /"((?:[^"\\]|\\[^])*\\?)(?:"|$)/y
const bare = /((?:[^\\\n\r]|\\[^])*)\\?/y

function parse(text: string): readonly Entry[] {
  const entries: Entry[] = []
  const cursor = new Cursor(text)
  let joined = false
  for (;;) {
    cursor.take(blankOrBreak)
    if (cursor.done) return entries
    const note = cursor.take(comment)
    if (note !== undefined) {
      // Before systemd 254 a backslash at a comment's end made the next line part of the comment.
      joined = /\\[\n\r]/.test(note[0])
      if (joined) cursor.at = note.index + note[0].search(/\\[\n\r]/) + 2
      continue
    }
    const [, key = "", sign] = cursor.take(name) ?? []
    if (sign === "=") entries.push({ key: key.replace(/[ \t]+$/, ""), ...valueAt(cursor, joined) })
    joined = joined && sign !== "=" && key.endsWith("\\")
  }
}

function valueAt(cursor: Cursor, uncertain: boolean): Omit<Entry, "key"> {
  const afterSign = cursor.at
  cursor.take(blank)
  const start = cursor.at
  const pieces: string[] = []
  let end = start
  let quote: Quote | undefined
  for (let piece = quotedPiece(cursor); piece !== undefined; piece = quotedPiece(cursor)) {
    const first = cursor.text.charAt(end)
    quote = pieces.length === 0 && (first === '"' || first === "'") ? first : undefined
    pieces.push(piece)
    end = cursor.at
    // Blanks between quoted pieces are dropped.
    cursor.take(blank)
  }
  const whole = cursor.take(bare)?.[0] ?? ""
  const raw = withoutEndBlanks(whole)
  if (raw !== "") end = cursor.at - (whole.length - raw.length)
  const value =
    pieces.join("") +
    raw.replace(/\\([^]?)/g, (_, char: string) => (/[\n\r]/.test(char) ? "" : char))
  if (end === start)
    return { value: uncertain ? undefined : value, start: afterSign, end: afterSign }
  return {
    value: uncertain ? undefined : value,
    start,
    end,
    ...(quote === undefined || raw !== "" ? {} : { quote }),
  }
}

/** Blanks at the end go, except one that a backslash keeps. */
function withoutEndBlanks(text: string): string {
  return /^(?:[ \t]*(?:\\[^]?|[^\\ \t]))*/.exec(text)?.[0] ?? ""
}

function quotedPiece(cursor: Cursor): string | undefined {
  const plain = cursor.take(single)
  if (plain !== undefined) return plain[1] ?? ""
  const escaped = cursor.take(double)
  return escaped?.[1]?.replace(/\\([^]?)/g, (pair: string, char: string) => {
    if (char === "\n") return ""
    return /["\\`$]/.test(char) ? char : pair
  })
}
