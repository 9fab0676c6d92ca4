import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type ParsedNode,
  type YAMLMap,
} from "yaml"
import { targetsOf } from "./anchors.ts"
import type { Path, SourceLocation, Spot } from "./problems.ts"
import { toPlain } from "./plain.ts"
import { tooMuchAt } from "./too-much.ts"
import { syntaxSpots } from "./yaml-syntax.ts"

/** A YAML text as plain data that remembers where each part stands. */
export type Yaml = {
  /** What is wrong with the text as YAML. */
  readonly spots: readonly Spot[]
  /** False if the text is so broken that its data means nothing. */
  readonly usable: boolean
  readonly value: unknown
  /** Where `path` stands; the nearest part around it if it does not exist. */
  place(path: Path, at?: "key"): SourceLocation
}

/**
 * YAML 1.2, core schema, without what a config needs no more than an attacker does: merge keys,
 * tags, several documents.
 */
export function parseYaml(text: string): Yaml {
  const lines = new LineCounter()
  const much = tooMuchAt(text)
  if (much !== undefined) return refused(text, much)
  const document = parseDocument<ParsedNode>(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    schema: "core",
    version: "1.2",
    merge: false,
    resolveKnownTags: false,
    // Told by toPlain, which knows their paths; here it would take quadratic time.
    uniqueKeys: false,
    logLevel: "error",
  })
  const placeOf = (offset: number): SourceLocation => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const { spots, usable } = syntaxSpots(document, text, placeOf)
  const targets = usable ? targetsOf(document) : new Map()
  const finder = new Finder(document, targets)
  const plain = usable
    ? toPlain(document, targets, placeOf)
    : { value: undefined, spots: [], usable: false }
  return {
    spots: [...spots, ...plain.spots],
    usable: plain.usable,
    value: plain.value,
    place: (path, at) => placeOf(finder.offsetOf(path, at)),
  }
}

function refused(
  text: string,
  { offset, message }: { readonly offset: number; readonly message: string },
): Yaml {
  const before = text.slice(0, offset)
  const place = { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") }
  return {
    spots: [{ ...place, message, hides: true }],
    usable: false,
    value: undefined,
    place: () => place,
  }
}

type Part = { readonly key?: Node; readonly value: Node | null }

/**
 * Finds parts of a document by path; each map is indexed once, for a config may have thousands of
 * problems.
 */
class Finder {
  readonly #document: Document.Parsed
  readonly #targets: ReadonlyMap<Alias, Node>
  readonly #indices = new Map<Node, ReadonlyMap<string, Part>>()

  constructor(document: Document.Parsed, targets: ReadonlyMap<Alias, Node>) {
    this.#document = document
    this.#targets = targets
  }

  offsetOf(path: Path, at: "key" | undefined): number {
    let node: Node | null = this.#document.contents
    let offset = 0
    for (const [index, step] of path.entries()) {
      const next = this.#child(node, step)
      if (next === undefined) break
      const wantsKey = at === "key" && index === path.length - 1
      offset =
        startOf(
          (wantsKey || !standsAlone(next.value) ? undefined : next.value) ?? next.key ?? next.value,
        ) ?? offset
      node = next.value
    }
    return offset
  }

  #child(parent: Node | null, step: string | number): Part | undefined {
    const node = isAlias(parent) ? (this.#targets.get(parent) ?? null) : parent
    if (isSeq<Node>(node) && typeof step === "number") {
      const item = node.items[step]
      return item === undefined ? undefined : { value: item }
    }
    return isMap<Node, Node | null>(node) ? this.#indexOf(node).get(String(step)) : undefined
  }

  #indexOf(map: YAMLMap<Node, Node | null>): ReadonlyMap<string, Part> {
    const known = this.#indices.get(map)
    if (known !== undefined) return known
    // Backwards, so that of a key that stands twice the first is found.
    const index = new Map(
      map.items
        .toReversed()
        .flatMap(({ key, value }) =>
          isScalar(key) ? [[String(key.value), { key, value }] as const] : [],
        ),
    )
    this.#indices.set(map, index)
    return index
  }
}

/** A map or an empty value is best shown by its key. */
function standsAlone(value: Node | null): boolean {
  return isAlias(value) || (isScalar(value) && value.source !== "")
}

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0]
}
