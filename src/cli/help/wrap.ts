/** Code of a few words stays together if it is no longer than this. */
const longestWhole = 36

/** Lines of at most `width` columns, broken at blanks; a longer word stays whole. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ""
  for (const word of wordsOf(text, width)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

function wordsOf(text: string, width: number): readonly string[] {
  const words = text.match(/[^\s`]*`[^`]+`[^\s`]*|\S+/g) ?? []
  return words.flatMap((word) =>
    word.length > Math.min(longestWhole, width) ? word.split(" ") : [word],
  )
}
