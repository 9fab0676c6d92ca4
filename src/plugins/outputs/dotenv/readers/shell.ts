import { type Entry, type Reader, writePlain } from "./reader.ts"
import { type Word, statements } from "./shell-words.ts"

/**
 * A file that a POSIX shell sources (`set -a; . ./.env`). Assignments are followed; commands are
 * passed over, never run.
 */
export const shell: Reader = {
  comments: true,
  crlf: false,
  parse: (text) => statements(text).flatMap(({ words, certain }) => assignments(words, certain)),
  write: (value, quote) =>
    writePlain(value, quote, (raw) => ({ text: `'${raw.replaceAll("'", "'\\''")}'` })),
}

const declaring = new Set(["export", "readonly", "declare", "typeset"])

/**
 * `A=1 command` sets A for that command alone; what a command that is an expansion does is
 * unknown.
 */
function assignments(words: readonly Word[], certain: boolean): readonly Entry[] {
  const at = words.findIndex((word) => nameOf(word) === undefined)
  const command = words[at]
  if (command === undefined) return words.flatMap((word) => entryOf(word, certain))
  if (declaring.has(command.raw))
    return words.flatMap((word, index) => entryOf(word, certain && index > at))
  return command.value === undefined ? words.flatMap((word) => entryOf(word, false)) : []
}

function entryOf(word: Word, certain: boolean): readonly Entry[] {
  const key = nameOf(word)
  if (key === undefined) return []
  const start = word.start + key.length + 1
  const value = certain ? word.value?.slice(key.length + 1) : undefined
  return [{ key, value, start, end: word.end, ...quoteAround(word.raw.slice(key.length + 1)) }]
}

function nameOf(word: Word): string | undefined {
  return /^([A-Za-z_]\w*)=/.exec(word.raw)?.[1]
}

function quoteAround(raw: string): { readonly quote?: '"' | "'" } {
  if (/^'[^']*'$/.test(raw)) return { quote: "'" }
  return /^"(?:[^"\\]|\\[^])*"$/.test(raw) ? { quote: '"' } : {}
}
