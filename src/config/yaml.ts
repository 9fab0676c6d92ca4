import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type ParsedNode } from "yaml"
import type { Path } from "./problems.ts"
import { toPlain } from "./plain.ts"
import { syntaxSpots, type Spot } from "./yaml-syntax.ts"

export type Place = { readonly line: number; readonly column: number }

/** A YAML text as plain data that remembers where each part stands. */
export type Yaml = {
  /** What is wrong with the text as YAML. */
  readonly spots: readonly Spot[]
  /** False where the text is so broken that its data means nothing. */
  readonly usable: boolean
  readonly value: unknown
  /** Where `path` stands; the nearest part around it where it does not exist. */
  place(path: Path, at?: "key"): Place
}

/** YAML 1.2, core schema, without what a config needs no more than an attacker does: merge keys, tags, several documents. */
export function parseYaml(text: string): Yaml {
  const lines = new LineCounter()
  const document = parseDocument<ParsedNode>(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    schema: "core",
    version: "1.2",
    merge: false,
    resolveKnownTags: false,
    uniqueKeys: true,
    logLevel: "error",
  })
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const { spots, usable } = syntaxSpots(document, text, placeOf)
  const plain = usable ? toPlain(document, placeOf) : { value: undefined, spots: [] }
  return {
    spots: [...spots, ...plain.spots],
    usable: usable && plain.spots.length === 0,
    value: plain.value,
    place: (path, at) => placeOf(offsetOf(document, path, at)),
  }
}

function offsetOf(document: Document.Parsed, path: Path, at: "key" | undefined): number {
  let node: Node | null = document.contents
  let offset = 0
  for (const [index, step] of path.entries()) {
    const next = child(document, node, step)
    if (next === undefined) break
    const last = index === path.length - 1
    const value = isAlias(next.value) || (isScalar(next.value) && next.value.source !== "") ? next.value : undefined
    offset = startOf((last && at === "key" ? undefined : value) ?? next.key ?? next.value) ?? offset
    node = next.value
  }
  return offset
}

function child(document: Document.Parsed, parent: Node | null, step: string | number): { readonly key?: Node; readonly value: Node | null } | undefined {
  const node = isAlias(parent) ? (parent.resolve(document) ?? null) : parent
  if (isSeq<Node>(node) && typeof step === "number") {
    const item = node.items[step]
    return item === undefined ? undefined : { value: item }
  }
  if (!isMap<Node, Node | null>(node)) return undefined
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
  return pair === undefined ? undefined : { key: pair.key, value: pair.value }
}

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0]
}
