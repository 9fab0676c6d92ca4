import { expanded } from "./bun.ts"
import { inQuotes, parse } from "./dotenv.ts"
import { type Reader, firstRefusal, writePlain } from "./reader.ts"

/** dotenv with dotenv-expand: Next.js, Vite and others. It runs `$(command)` in a value, whatever the quotes. */
export const expand: Reader = {
  comments: true,
  parse: (text) => parse(text).map((entry) => ({ ...entry, value: known(entry.value) })),
  write: (value, quote) => writePlain(value, quote, (raw) => firstRefusal(raw, refusals) ?? inQuotes(raw.replaceAll("$", "\\$"))),
}

/** Even \$( runs a command. */
function known(value: string | undefined): string | undefined {
  return value === undefined || value.includes("$(") ? undefined : expanded(value)
}

const refusals: readonly (readonly [RegExp, string])[] = [
  [/\r/, "it holds a carriage return, which this reader turns into a line break"],
  [/\\/, "it holds a backslash, which this reader cannot be given"],
  [/\$\(/, "it holds $(, which this reader takes for a command and runs"],
]
