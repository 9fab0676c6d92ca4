/**
 * Quoting by PostgreSQL's own rules (manual, Lexical Structure); a zero byte is refused where the
 * statement is sent.
 */

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Right whatever `standard_conforming_strings` says: a backslash gets the E form, in which it is
 * always an escape.
 */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted
}
