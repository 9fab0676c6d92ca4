import type { Options, Values } from "./command.ts"

type Read = { readonly values: Values; readonly positionals: readonly string[] }

/**
 * Reads nearly every command line: words, `--option` and `--option value`, as node:util reads them.
 * Undefined for anything else (`=`, `-h`, `--`, an unknown option, a missing value): that is for
 * node:util, which takes a millisecond to load.
 */
export function readPlain(options: Options, args: readonly string[]): Read | undefined {
  const values: Record<string, string | boolean | readonly string[]> = {}
  const positionals: string[] = []
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? ""
    if (isWord(word)) {
      positionals.push(word)
      continue
    }
    const name = word.slice("--".length)
    if (!word.startsWith("--") || !Object.hasOwn(options, name)) return undefined
    const option = options[name]
    const value = option?.type === "boolean" ? true : args[++at]
    if (value === undefined || (typeof value === "string" && !isWord(value))) return undefined
    const before = values[name]
    values[name] =
      option?.multiple === true ? [...(Array.isArray(before) ? before : []), String(value)] : value
  }
  return { values, positionals }
}

/** Neither an option nor a dash with something behind it; a dash alone is stdin. */
function isWord(text: string): boolean {
  return text === "-" || !text.startsWith("-")
}
