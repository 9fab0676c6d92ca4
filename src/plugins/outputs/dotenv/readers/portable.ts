import { type Entry, type Quote, type Reader, bom, isPlain, writePlain } from "./reader.ts"

/**
 * Every reader at once: only what all of them read alike. Values are written raw, so quotes go when
 * a value is replaced. Where readers differ about a line (inline comments, blanks around =,
 * escapes, several lines) its value is undefined.
 */
export const portable: Reader = {
  comments: true,
  crlf: false,
  parse,
  write: (value) =>
    writePlain(value, undefined, () => ({
      refused:
        "it holds a character that some readers of .env files change; name its reader with for:",
    })),
}

const assignment = /^([ \t]*(?:export[ \t]+)?([^\s=:#'"]+)[ \t]*[=:])([^\r\n]*)/

function parse(text: string): readonly Entry[] {
  const entries: Entry[] = []
  let open: Quote | undefined
  let uncertain = false
  for (const { line, at, torn } of lines(text)) {
    const [, before = "", key, value = ""] = assignment.exec(line) ?? []
    const inside = open !== undefined || uncertain || torn
    if (key !== undefined) entries.push(entryOf({ key, value, isInside: inside }, { before, at }))
    else entries.push(...bareName(line, at))
    if (open === undefined) open = openedBy(value)
    else if (line.includes(open)) open = undefined
    // A backslash at the end joins lines for some readers, in comments too (systemd before 254).
    uncertain = line.endsWith("\\")
  }
  return entries
}

/**
 * A name alone is a variable of the surroundings for some, an empty one for others; python-dotenv
 * takes a value before it away.
 */
function bareName(line: string, at: number): readonly Entry[] {
  const [, before = "", key] = /^([ \t]*(?:export[ \t]+)?([A-Za-z_]\w*))[ \t]*$/.exec(line) ?? []
  return key === undefined
    ? []
    : [{ key, value: undefined, start: at + before.length, end: at + before.length }]
}

/**
 * `torn`: a carriage return alone stands in the line or ends the file; it ends a line for some
 * readers.
 */
function* lines(
  text: string,
): Generator<{ readonly line: string; readonly at: number; readonly torn: boolean }> {
  let at = text.startsWith(bom) ? bom.length : 0
  const all = text.slice(at).split("\n")
  for (const [index, whole] of all.entries()) {
    const pieces = (index < all.length - 1 ? whole.replace(/\r$/, "") : whole).split("\r")
    let from = at
    for (const line of pieces) {
      yield { line, at: from, torn: pieces.length > 1 }
      from += line.length + 1
    }
    at += whole.length + 1
  }
}

/**
 * The quote that a value opens and does not close on its line: for some readers it goes on on the
 * next.
 */
function openedBy(value: string): Quote | undefined {
  const quote = quoteOf(value.trimStart())
  return quote !== undefined && value.trimStart().indexOf(quote, 1) === -1 ? quote : undefined
}

function quoteOf(value: string): Quote | undefined {
  const first = value.charAt(0)
  return first === '"' || first === "'" || first === "`" ? first : undefined
}

/** `isInside`: a value that began before this line may still go on. */
type Assigned = { readonly key: string; readonly value: string; readonly isInside: boolean }

function entryOf(
  { key, value, isInside }: Assigned,
  { before, at }: { readonly before: string; readonly at: number },
): Entry {
  const start = at + before.length
  const certain = !isInside && !/[ \t]=$|:$/.test(before)
  const quote = quoteOf(value)
  const end = start + value.length
  if (
    quote !== undefined &&
    value.length > 1 &&
    value.endsWith(quote) &&
    isPlain(value.slice(1, -1))
  ) {
    return { key, value: certain ? value.slice(1, -1) : undefined, start, end, quote }
  }
  if (value.trim() === "") return { key, value: certain ? "" : undefined, start, end }
  return { key, value: certain && isPlain(value) ? value : undefined, start, end }
}
