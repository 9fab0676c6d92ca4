/** A report before it has a form. Texts are plain: each form escapes them. */
export type Block =
  | { readonly is: "title"; readonly text: string }
  | { readonly is: "heading"; readonly text: string }
  /** The short answer; `good` is how it looks. */
  | { readonly is: "verdict"; readonly text: string; readonly good: boolean }
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "list"; readonly items: readonly string[] }
  | {
      readonly is: "table"
      readonly head: readonly string[]
      readonly rows: readonly (readonly string[])[]
    }
  /** Typed or pasted as it stands. */
  | { readonly is: "command"; readonly lines: readonly string[] }
  /** For a person to fill in. */
  | { readonly is: "blank"; readonly says: string }

/** A table, or a sentence where there are no rows. */
export function tableOr(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): Block {
  return rows.length === 0 ? { is: "text", text: none } : { is: "table", head, rows }
}

/** "2026-11-24 20:47:03": UTC, as the head of a report says. */
export function instant(at: string): string {
  return at.slice(0, 19).replace("T", " ")
}

export function many(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`
}

/** As a person types it into a shell. */
export function command(words: readonly string[]): string {
  return ["mycelium", ...words]
    .map((word) => (/^[\w./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ")
}
