import { type Entry, type Reader, writePlain } from "./reader.ts"
import { type Word, statements } from "./shell-words.ts"

/** A file that a POSIX shell sources (`set -a; . ./.env`). Assignments are followed; commands are passed over, never run. */
export const shell: Reader = {
  comments: true,
  parse: (text) => statements(text).flatMap(({ words, certain }) => assignments(words, certain)),
  write: (value, quote) => writePlain(value, quote, (raw) => ({ text: `'${raw.replaceAll("'", "'\\''")}'` })),
}

const declaring = new Set(["export", "readonly", "declare", "typeset"])

/** `A=1 command` sets A for that command alone. */
function assignments(words: readonly Word[], certain: boolean): readonly Entry[] {
  const declared = declaring.has(words[0]?.raw ?? "")
  const rest = declared ? words.slice(1) : words
  if (!declared && rest.some((word) => nameOf(word) === undefined)) return []
  return rest.flatMap((word) => {
    const key = nameOf(word)
    if (key === undefined) return []
    const value = certain ? word.value?.slice(key.length + 1) : undefined
    const start = word.start + key.length + 1
    return [{ key, value, start, end: word.end, ...quoteAround(word.raw.slice(key.length + 1)) }]
  })
}

function nameOf(word: Word): string | undefined {
  return /^([A-Za-z_]\w*)=/.exec(word.raw)?.[1]
}

function quoteAround(raw: string): { readonly quote?: '"' | "'" } {
  if (/^'[^']*'$/.test(raw)) return { quote: "'" }
  return /^"(?:[^"\\]|\\[^])*"$/.test(raw) ? { quote: '"' } : {}
}
