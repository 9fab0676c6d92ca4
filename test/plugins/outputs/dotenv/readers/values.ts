import fc from "fast-check"
import { type Reader, toBinary } from "../../../../../src/plugins/outputs/dotenv/readers/reader.ts"

/** Values as nasty as people and generators make them, in the binary form that readers work on. */
const soup = [
  "'",
  '"',
  "`",
  "\\",
  "$",
  "#",
  " ",
  "=",
  "\n",
  "\r",
  "\t",
  "{",
  "}",
  "(",
  ")",
  "a",
  "n",
  "r",
  "~",
  ":",
  "!",
  "é",
  "\u00a0",
  "\u2028",
  "$a",
  "${a}",
  "$(id)",
  "\\n",
  "\\$",
  " #",
  "\\\\",
  "\0",
]
const nasty = fc.oneof(
  fc.string({ minLength: 1 }),
  fc
    .array(fc.constantFrom(...soup), { minLength: 1, maxLength: 12 })
    .map((pieces) => pieces.join("")),
  fc
    .array(fc.oneof(fc.constantFrom(...soup), fc.string({ maxLength: 3 })), {
      minLength: 1,
      maxLength: 8,
    })
    .map((pieces) => pieces.join("")),
)
export const hostile = nasty.map(toBinary)

/**
 * A file of several keys, and what it shall say: a value that ends badly swallows its neighbour
 * only where there is one.
 */
export function fileOf(
  reader: Reader,
  values: readonly string[],
): { readonly text: string; readonly meant: ReadonlyMap<string, string> } {
  const lines = reader.comments ? ["# written by mycelium: production"] : []
  const meant = new Map<string, string>()
  for (const [index, value] of values.entries()) {
    const written = reader.write(value)
    if ("refused" in written) continue
    lines.push(`KEY_${index}=${written.text}`)
    meant.set(`KEY_${index}`, value)
  }
  meant.set("LAST", "sentinel")
  return { text: `${lines.join("\n")}\nLAST=sentinel\n`, meant }
}

export function read(reader: Reader, text: string): ReadonlyMap<string, string | undefined> {
  return new Map(reader.parse(text).map(({ key, value }) => [key, value]))
}

/** Why it is refused; undefined where it is not. */
export function refusal(reader: Reader, value: string): string | undefined {
  const written = reader.write(toBinary(value))
  return "refused" in written ? written.refused : undefined
}
