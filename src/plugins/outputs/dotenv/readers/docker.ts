import {
  type Entry,
  type Reader,
  bom,
  firstRefusal,
  fromBinary,
  unreadable,
  writePlain,
} from "./reader.ts"

/**
 * `docker run --env-file`, `kubectl --from-env-file`: lines, taken literally. Follows docker/cli's
 * kvfile.go, which drops a carriage return before a line's end; `while read` in a shell does not.
 */
export const docker: Reader = {
  comments: true,
  crlf: false,
  parse,
  write: (value) =>
    writePlain(value, undefined, (raw) => firstRefusal(raw, refusals) ?? { text: raw }),
}

/** bufio.MaxScanTokenSize, less room for a name. */
const longest = 60_000

export const refusals: readonly (readonly [RegExp, string])[] = [
  [/\n/, "it holds a line break, and this reader knows no quotes"],
  [/\r$/, "it ends in a carriage return, which this reader drops"],
  [
    /^(["'])[^]*\1$/,
    "it stands in quotes of its own, which some versions of this reader take away",
  ],
  [new RegExp(`^[^]{${longest}}`), "it is longer than a line may be"],
]

function parse(text: string): readonly Entry[] {
  if (fromBinary(text) === undefined)
    throw unreadable(
      text,
      firstNotUtf8(text),
      "it is not valid UTF-8, and this reader refuses such a file",
    )
  const entries: Entry[] = []
  let at = text.startsWith(bom) ? bom.length : 0
  for (const line of text.slice(at).split("\n")) {
    const indent = line.length - line.trimStart().length
    const entry = entryOf(text, at + indent, line.slice(indent).replace(/\r$/, ""))
    if (entry !== undefined) entries.push(entry)
    at += line.length + 1
  }
  return entries
}

/** Where the first line that is not valid UTF-8 begins. */
function firstNotUtf8(text: string): number {
  const lines = text.split("\n")
  const bad = lines.findIndex((line) => fromBinary(line) === undefined)
  return lines.slice(0, bad).join("\n").length + (bad > 0 ? 1 : 0)
}

function entryOf(text: string, at: number, line: string): Entry | undefined {
  if (line === "" || line.startsWith("#")) return undefined
  const sign = line.indexOf("=")
  const key = sign === -1 ? line : line.slice(0, sign)
  if (key === "" || /[ \t]/.test(key))
    throw unreadable(text, at, "the name of a variable is empty or holds a blank")
  // A name alone is taken from docker's own environment.
  return sign === -1
    ? undefined
    : { key, value: line.slice(sign + 1), start: at + sign + 1, end: at + line.length }
}
