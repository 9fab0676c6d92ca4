import { refusals } from "./docker.ts"
import { type Entry, type Reader, bom, firstRefusal, unreadable, writePlain } from "./reader.ts"

/**
 * The file that $GITHUB_ENV names: lines, and `NAME<<END` blocks. It has no comments: a whole file
 * gets no header.
 */
export const github: Reader = {
  comments: false,
  crlf: false,
  parse,
  write: (value) =>
    writePlain(value, undefined, (raw) => firstRefusal(raw, refusals) ?? { text: raw }),
}

function parse(text: string): readonly Entry[] {
  const entries: Entry[] = []
  const lines = [...linesOf(text)]
  for (let index = 0; index < lines.length; index++) {
    const { line, at } = lines[index] ?? { line: "", at: 0 }
    if (line === "") continue
    const [sign, block] = [line.indexOf("="), line.indexOf("<<")]
    if (sign > 0 && (block === -1 || sign < block)) {
      // A byte order mark belongs to no name where the runner drops it, and to the first one where
      // it does not.
      const marked = at === 0 && line.startsWith(bom)
      entries.push({
        key: line.slice(marked ? bom.length : 0, sign),
        value: marked ? undefined : line.slice(sign + 1),
        start: at + sign + 1,
        end: at + line.length,
      })
    } else if (block > 0 && (sign === -1 || block < sign)) {
      const until = lines.findIndex(
        (other, place) => place > index && other.line === line.slice(block + 2),
      )
      if (until === -1 || line.length === block + 2)
        throw unreadable(text, at, "a block of several lines has no end")
      // We never write a block; what it holds is known, but it is not rewritten.
      entries.push({
        key: line.slice(0, block),
        value: undefined,
        start: at + block,
        end: (lines[until]?.at ?? at) + (lines[until]?.line.length ?? 0),
      })
      index = until
    } else throw unreadable(text, at, "a line has no = after a name")
  }
  return entries
}

function* linesOf(text: string): Generator<{ readonly line: string; readonly at: number }> {
  let at = 0
  for (const line of text.split("\n")) {
    yield { line, at }
    at += line.length + 1
  }
}
