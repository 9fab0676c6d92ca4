import { expanded } from "./bun.ts"
import { parse as parseDotenv, withoutEscapes } from "./dotenv.ts"
import { parse as parseNode } from "./node.ts"
import { type Entry, type Reader, agreed, writePlain } from "./reader.ts"

/**
 * dotenv-expand, over dotenv (Next.js) or over Node's own parser (Vite). It runs `$(command)` in a
 * value, whatever the quotes.
 */
export const expand: Reader = {
  comments: true,
  crlf: true,
  parse,
  write: (value, quote) =>
    writePlain(value, quote, (raw) =>
      raw.includes("$(")
        ? { refused: "it holds $(, which this reader takes for a command and runs" }
        : withoutEscapes(raw, raw.replaceAll("$", "\\$"), parse),
    ),
}

function parse(text: string): readonly Entry[] {
  return agreed(parseDotenv(text), parseNode(text)).map((entry) => ({
    ...entry,
    value: expandedSafely(entry.value),
  }))
}

/** Even \$( runs a command. */
function expandedSafely(value: string | undefined): string | undefined {
  return value === undefined || value.includes("$(") ? undefined : expanded(value)
}
