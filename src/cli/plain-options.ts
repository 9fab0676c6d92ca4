import type { Options, Values } from "./command.ts"

type Read = { readonly values: Values; readonly positionals: readonly string[] }

/**
 * What nearly every command line is made of: words, `--option`, and `--option value`. Anything else
 * (`=`, `-h`, `--`, what is
 * unknown, what lacks its value) is for node:util, which takes a millisecond to load; so undefined.
 * Read as it reads them.
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

/** No option, nor a dash with something behind it; a dash alone is stdin. */
function isWord(text: string): boolean {
  return text === "-" || !text.startsWith("-")
}
