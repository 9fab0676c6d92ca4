/** A report before it has a form. Texts are plain: each form escapes them. */
export type Block =
  | { readonly kind: "title"; readonly text: string }
  | { readonly kind: "heading"; readonly text: string }
  /** The short answer; `good` is how it looks. */
  | { readonly kind: "verdict"; readonly text: string; readonly good: boolean }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | {
      readonly kind: "table"
      readonly head: readonly string[]
      readonly rows: readonly (readonly string[])[]
    }
  /** Typed or pasted as it stands. */
  | { readonly kind: "command"; readonly lines: readonly string[] }
  /** For a person to fill in. */
  | { readonly kind: "blank"; readonly message: string }

/** A table, or a sentence where there are no rows. */
export function tableOr(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): Block {
  return rows.length === 0 ? { kind: "text", text: none } : { kind: "table", head, rows }
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
