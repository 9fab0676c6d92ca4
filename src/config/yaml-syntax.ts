import type { Document, ErrorCode } from "yaml"
import type { SourceLocation, Spot } from "./problems.ts"

/** More than this is one mistake that the parser meets again and again. */
const most = 10
const mostRead = 1000

/**
 * The parser's findings in our words, by its codes: its own messages quote the text. One for each
 * line.
 */
export function syntaxSpots(
  document: Document.Parsed,
  text: string,
  placeOf: (offset: number) => SourceLocation,
): { readonly spots: readonly Spot[]; readonly usable: boolean } {
  const found = [...document.errors, ...document.warnings]
  const lines = text.split("\n")
  const byLine = new Map<number, Spot>()
  const columns = new Map<number, number | undefined>()
  for (const { code, pos } of found.slice(0, mostRead)) {
    const place = placeOf(pos[0])
    if (byLine.get(place.line)?.hides === true) continue
    if (!columns.has(place.line))
      columns.set(place.line, templateColumn(lines[place.line - 1] ?? ""))
    const template = columns.get(place.line)
    if (template !== undefined)
      byLine.set(place.line, { line: place.line, column: template, ...templates })
    else if (!byLine.has(place.line)) byLine.set(place.line, { ...place, ...sentence(code) })
  }
  return {
    spots: [...byLine.values()].slice(0, most),
    usable: found.every(({ code }) => harmless.has(code)),
  }
}

/** The data is whole in spite of these. */
const harmless: ReadonlySet<ErrorCode> = new Set(["NON_STRING_KEY", "TAG_RESOLVE_FAILED"])

const templates = {
  message: 'templates must be quoted: "{{ postgres.password }}"',
  hides: true,
} as const

/** The column of a template that stands outside quotes and comments. */
function templateColumn(line: string): number | undefined {
  const bare = line.replace(/"(?:[^"\\]|\\.)*"|'[^']*'|(?<=^|\s)#.*$/g, (part) =>
    " ".repeat(part.length),
  )
  const index = bare.search(/\{[{%]/)
  return index < 0 ? undefined : index + 1
}

function sentence(code: ErrorCode): {
  readonly message: string
  readonly hint?: string
  readonly hides?: true
} {
  return (
    sentences[code] ?? {
      message: "this is not valid YAML here",
      hint: "check brackets, quotes and indentation on this line and the one before",
    }
  )
}

const needsQuotes =
  "a text that begins with one of * & ! % @ ` or holds a colon and a space needs quotes"

const sentences: Partial<
  Record<ErrorCode, { readonly message: string; readonly hint?: string; readonly hides?: true }>
> = {
  NON_STRING_KEY: { message: "a key must be a plain word", hides: true },
  TAG_RESOLVE_FAILED: { message: "tags (`!…`) have no meaning here", hint: needsQuotes },
  TAB_AS_INDENT: { message: "indent with spaces: YAML refuses tabs" },
  BAD_INDENT: {
    message: "the indentation does not fit the lines above",
    hint: "keys of one map begin in the same column; an open bracket must be closed",
  },
  BAD_ALIAS: {
    message: "this is not valid YAML here",
    hint: `${needsQuotes}: schedule: "* * * * *"`,
  },
  BAD_SCALAR_START: { message: "this text needs quotes", hint: needsQuotes },
  BAD_DQ_ESCAPE: {
    message: "this escape is not known between double quotes",
    hint: "write \\\\ for a backslash, or use single quotes",
  },
  BAD_DIRECTIVE: { message: "directives (`%…`) are not supported" },
  BLOCK_AS_IMPLICIT_KEY: {
    message: "a map cannot begin on the line of its key",
    hint: needsQuotes,
  },
  MISSING_CHAR: { message: "a quote or a bracket is not closed, or a colon is missing" },
  MULTIPLE_DOCS: { message: "a second document begins here: a config is one document" },
  RESOURCE_EXHAUSTION: { message: "nested too deeply" },
}
