/** A page of the manual before it has a form: what a terminal and man(1) are given. */
export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  /** `marker`: "-" or "1."; `depth`: 0 for the outermost list. */
  | {
      readonly kind: "item"
      readonly marker: string
      readonly depth: number
      readonly text: string
    }
  | {
      readonly kind: "table"
      readonly head: readonly string[]
      readonly rows: readonly (readonly string[])[]
    }
  | { readonly kind: "code"; readonly lines: readonly string[] }
  /** A name with what it means; `example` stands below as it is typed. */
  | {
      readonly kind: "term"
      readonly name: string
      readonly text: string
      readonly example?: string
    }

/** A run of text of one kind, of a paragraph written in Markdown. */
export type Span = { readonly kind: "text" | "code" | "bold"; readonly text: string }

const inline = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^)]+)\)/g

export function spansOf(markdown: string): readonly Span[] {
  const spans: Span[] = []
  let from = 0
  for (const match of markdown.matchAll(inline)) {
    const [whole, code, bold, italic, label, target] = match
    if (match.index > from) spans.push({ kind: "text", text: markdown.slice(from, match.index) })
    if (code !== undefined) spans.push({ kind: "code", text: code })
    else if (bold !== undefined) spans.push({ kind: "bold", text: plain(bold) })
    else if (italic !== undefined) spans.push({ kind: "text", text: plain(italic) })
    else spans.push(linkSpan(plain(label ?? ""), target ?? ""))
    from = match.index + whole.length
  }
  if (from < markdown.length) spans.push({ kind: "text", text: markdown.slice(from) })
  return spans
}

/**
 * Without any marks. Only code that could be read as a word of the sentence, or that has several
 * words, keeps its quotes, unless it stands alone.
 */
export function plain(markdown: string): string {
  const spans = spansOf(markdown)
  return spans
    .map(({ kind, text }) =>
      kind === "code" && spans.length > 1 && needsQuotes(text) ? `\`${text}\`` : text,
    )
    .join("")
}

function needsQuotes(code: string): boolean {
  return /^[a-z]+$/.test(code) || code.includes(" ")
}

/** A page is named by the command that shows it; a file by its path in the repository. */
function linkSpan(label: string, target: string): Span {
  const page = /^([a-z-]+)\.md(?:#.*)?$/.exec(target)?.[1]
  if (page !== undefined && page === label.toLowerCase().replaceAll(" ", "-"))
    return { kind: "code", text: `mycelium help ${page}` }
  return { kind: "text", text: sayLink(label, target, page) }
}

function sayLink(label: string, target: string, page: string | undefined): string {
  if (page !== undefined) return `${label} (mycelium help ${page})`
  const path = target.replace(/^\.\.\/\.\.\//, "").replace(/^\.\.\//, "src/")
  return path.endsWith(label) ? label : `${label} (${path})`
}
