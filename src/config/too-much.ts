/**
 * A text beyond these limits is not given to the parser, which would take long. A hundred thousand
 * secrets fit. (`toPlain` refuses deep nesting too, but only after the parser.)
 */
const limits = { parts: 150_000, depth: 1000, run: 200 } as const

/** A shorter text cannot pass the limit. */
export function mayHoldTooMuch(text: string): boolean {
  return text.length > limits.parts
}

/**
 * The place at which a text passes a limit: more lines and list entries, or more brackets (or signs
 * of a list) one within another.
 */
export function tooMuchAt(
  text: string,
): { readonly offset: number; readonly message: string } | undefined {
  let [parts, depth, run] = [0, 0, 0]
  for (let offset = 0; offset < text.length; offset++) {
    const sign = text[offset] ?? ""
    if (sign === "[" || sign === "{") depth++
    else if ((sign === "]" || sign === "}") && depth > 0) depth--
    if (sign === "\n" || sign === "," || sign === "[" || sign === "{") parts++
    // `- - - a` nests, too; so does `? `.
    if ((sign === "-" || sign === "?") && text[offset + 1] === " ") run++
    else if (sign !== " ") run = 0
    if (depth > limits.depth || run > limits.run) return { offset, message: "nested too deeply" }
    if (parts > limits.parts)
      return {
        offset,
        message: `the file holds too much: more than ${limits.parts} lines and list entries`,
      }
  }
  return undefined
}
