import { Cursor, unreadable } from "./reader.ts"

/**
 * Splits a shell script into statements and words, as far as assignments need it; leaves out
 * here-documents, which it refuses.
 */

export type Word = {
  readonly raw: string
  /** After quotes and backslashes; undefined where the shell would expand something. */
  readonly value: string | undefined
  readonly start: number
  readonly end: number
}
/**
 * `certain` is false within if, case, loops, functions, subshells, pipes and lists, which may not
 * run.
 */
export type Statement = { readonly words: readonly Word[]; readonly certain: boolean }

const blanks = /(?:[ \t]+|\\\n)*/y
const comment = /#[^\n]*/y
const operator = /<<|[\n;&|<>()]/y
const opening = new Set(["if", "for", "while", "until", "case", "{", "select"])
const closing = new Set(["fi", "done", "esac", "}"])

export function statements(text: string): readonly Statement[] {
  const found: Statement[] = []
  const cursor = new Cursor(text)
  let [blocks, brackets] = [0, 0]
  let plainBefore = true
  for (let words: Word[] = []; ; ) {
    cursor.take(blanks)
    cursor.take(comment)
    const mark = cursor.take(operator)
    if (mark === undefined && !cursor.done) {
      words.push(word(cursor))
      continue
    }
    if (mark?.[0] === "<<")
      throw unreadable(text, mark.index, "a here-document is more than this reader follows")
    const first = words[0]?.raw ?? ""
    // Pipes, lists, redirections and arrays: what becomes of an assignment beside them is not
    // followed.
    const plain = mark === undefined || /[\n;]/.test(mark[0])
    if (words.length > 0)
      found.push({ words, certain: blocks + brackets === 0 && plain && plainBefore })
    plainBefore = plain
    blocks = Math.max(0, blocks + depthOf(first, opening, closing))
    if (mark?.[0] === ")" && blocks + brackets === 0)
      throw unreadable(text, mark.index, "the shell would not understand this")
    brackets = Math.max(0, brackets + depthOf(mark?.[0] ?? "", leftBracket, rightBracket))
    if (cursor.done) return found
    words = []
  }
}

const leftBracket: ReadonlySet<string> = new Set("(")
const rightBracket: ReadonlySet<string> = new Set(")")

/** One level deeper, one less deep, or neither. */
function depthOf(
  word: string,
  opens: ReadonlySet<string>,
  closes: ReadonlySet<string>,
): -1 | 0 | 1 {
  if (opens.has(word)) return 1
  return closes.has(word) ? -1 : 0
}

const bare = /[^\s'"\\$`;&|<>()]+|[\r\v\f]+/y
const single = /'([^']*)'/y
const escaped = /\\([^])/y
const dollar = /\$(?=[\s;&|<>)]|$)/y
const variable = /\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*|[0-9@*#?!$-])/y

/** One word, with all its quoted pieces. */
function word(cursor: Cursor): Word {
  const start = cursor.at
  let value: string | undefined = ""
  const add = (piece: string | undefined): void => {
    value = value === undefined || piece === undefined ? undefined : value + piece
  }
  for (let before = -1; before !== cursor.at && !cursor.done; ) {
    before = cursor.at
    const plain = cursor.take(bare)?.[0]
    if (plain !== undefined) add(/(^|[:=])~/.test(plain) ? undefined : plain)
    const literal = cursor.take(single) ?? cursor.take(escaped)
    if (literal !== undefined)
      add(literal[1] === "\n" && literal[0].startsWith("\\") ? "" : literal[1])
    if (cursor.next === '"') add(doubleQuoted(cursor))
    else if (cursor.take(dollar) !== undefined) add("$")
    else if (cursor.next === "$" || cursor.next === "`") {
      expansion(cursor)
      value = undefined
    } else if (cursor.next === "'" && cursor.at === before)
      throw unreadable(cursor.text, before, "a quote has no end")
  }
  if (cursor.at === start)
    throw unreadable(cursor.text, start, "the shell would not understand this")
  return { raw: cursor.text.slice(start, cursor.at), value, start, end: cursor.at }
}

const inside = /[^"\\$`]+/y
const insideEscaped = /\\([^])/y
/** zsh takes letters beyond ASCII for a part of a name. */
const insideDollar = /\$(?![A-Za-z_0-9@*#?!$({\x80-\xff-])/y

function doubleQuoted(cursor: Cursor): string | undefined {
  const start = cursor.at++
  let value: string | undefined = ""
  while (cursor.next !== '"') {
    if (cursor.done) throw unreadable(cursor.text, start, "a quote has no end")
    const plain = cursor.take(inside)?.[0] ?? cursor.take(insideDollar)?.[0]
    const pair = plain === undefined ? cursor.take(insideEscaped) : undefined
    const piece = plain ?? (pair === undefined ? undefined : unescape(pair[1] ?? ""))
    if (piece === undefined) expansion(cursor)
    value = value === undefined || piece === undefined ? undefined : value + piece
  }
  cursor.at++
  return value
}

function unescape(char: string): string {
  if (char === "\n") return ""
  return /[$`"\\]/.test(char) ? char : `\\${char}`
}

function closingOf(opening: string | undefined): "}" | ")" | undefined {
  if (opening === "${") return "}"
  return opening === "$(" ? ")" : undefined
}

/**
 * Passes over `$name`, `${…}`, `$(…)`, backticks, and the two that shells differ about: `$'…'` and
 * `$"…"`.
 */
function expansion(cursor: Cursor): void {
  const start = cursor.at
  const simple =
    cursor.take(variable) ??
    cursor.take(/\$'(?:[^'\\]|\\[^])*'/y) ??
    cursor.take(/\$(?=")/y) ??
    cursor.take(/`(?:[^`\\]|\\[^])*`/y)
  if (simple !== undefined) return
  const closing = closingOf(cursor.take(/\$[{(]/y)?.[0])
  if (closing === undefined)
    throw unreadable(cursor.text, start, "the shell would not understand this")
  while (cursor.next !== closing) {
    if (cursor.done) throw unreadable(cursor.text, start, "an expansion has no end")
    if (cursor.next === '"') doubleQuoted(cursor)
    else if (cursor.next === "`" || (cursor.next === "$" && cursor.take(dollar) === undefined))
      expansion(cursor)
    else if (cursor.take(single) === undefined && cursor.take(escaped) === undefined) cursor.at++
  }
  cursor.at++
}
