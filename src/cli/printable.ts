/**
 * As it may reach a terminal: names and texts of others may hold signs that one obeys (ESC, also
 * the 8-bit ones) or that turn
 * the order of what is read (Trojan Source). Each is shown by its number, which leaves JSON what it
 * was.
 */
export function printable(text: string): string {
  // Most text is plain, and told to be so by what costs less than the tables of Unicode do.
  return plain.test(text) ? text : shown(text)
}

const plain = /^[\n\t -~]*$/

function shown(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

/** Nobody has signed what is read without a key: words in it must not look like a line of ours. */
export function oneLine(text: string): string {
  return text.replace(/[\r\n\t]+/g, " ")
}
