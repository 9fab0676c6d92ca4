/**
 * A name that another user may have given, in one line: a line break in it would let them write
 * lines that look like ours. Each sign that ends a line or changes what is read is shown by its
 * number.
 */
export function shownName(name: string): string {
  return name.replace(
    /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}
