/**
 * Text that is safe for a terminal. Names and texts of others may hold control characters that a
 * terminal obeys (ESC, the 8-bit ones), or that change the order of what is read (Trojan Source).
 * Each is shown by its number, which leaves JSON as it was.
 */
export function printable(text: string): string {
  // Most text is plain, and this test costs less than the tables of Unicode.
  return plain.test(text) ? text : shown(text)
}

/** ASCII, and the signs that our own words hold. */
const plain = /^[\n\t -~·–≥…]*$/

function shown(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

/** What is read without a key is not verified: text in it must not look like a line of Mycelium. */
export function oneLine(text: string): string {
  return text.replace(/[\r\n\t]+/g, " ")
}
