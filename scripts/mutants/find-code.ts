/**
 * Finds a piece of code in a file by its tokens, so that a formatter may break, join or indent
 * lines without a mutant losing its location. What a formatter adds or takes away by itself does
 * not count: blanks, a comma after the last item, parentheses around a whole expression.
 */

export type Match = { readonly start: number; readonly end: number }

type Token = { readonly text: string; readonly start: number; readonly end: number }

// Comments and texts are one token each; so are words, numbers and each other sign.
const tokens =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|[\w$#]+|\S/g

/** Each location of `text` that reads as `piece` does. */
export function findCode(text: string, piece: string): readonly Match[] {
  const [all, wanted] = [tokensOf(text), tokensOf(piece)]
  const first = wanted[0]?.text
  return all.flatMap((token, at) => {
    if (token.text !== first) return []
    const last = endOfMatch(all, at, wanted)
    return last === undefined ? [] : [{ start: token.start, end: last.end }]
  })
}

function tokensOf(text: string): readonly Token[] {
  return [...text.matchAll(tokens)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }))
}

function endOfMatch(all: readonly Token[], from: number, wanted: readonly Token[]) {
  let at = from
  let last = all[from]
  // Parentheses that only the file has, which must be closed where they were opened.
  let open = 0
  for (const { text } of wanted) {
    while (all[at]?.text !== text && isFormatters(all, at)) open += depthOf(all[at++])
    if (all[at]?.text !== text || open < 0) return undefined
    last = all[at]
    at += 1
  }
  for (; open > 0; open -= 1) {
    last = all[at]
    if (last?.text !== ")") return undefined
    at += 1
  }
  return last
}

/** A trailing comma, or a parenthesis. One that is missing where `piece` has it is a difference. */
function isFormatters(all: readonly Token[], at: number): boolean {
  const text = all[at]?.text
  if (text === ",") return /^[)\]}]$/.test(all[at + 1]?.text ?? "")
  return text === "(" || text === ")"
}

function depthOf(token: Token | undefined): number {
  if (token?.text === "(") return 1
  return token?.text === ")" ? -1 : 0
}
