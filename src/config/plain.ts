import { type Alias, isAlias, isMap, isScalar, isSeq, type Document, type Node } from "yaml"
import type { Path, SourceLocation, Spot } from "./problems.ts"

/**
 * How much data a config may hold, and how often an alias may repeat a part of it: a "billion
 * laughs" needs more.
 */
const limits = { nodes: 1_000_000, depth: 40, aliases: 1000, spots: 1000 } as const

export type Plain = {
  readonly value: unknown
  readonly spots: readonly Spot[]
  /** False if a limit was passed: there is no value. */
  readonly usable: boolean
}

/**
 * The document as plain data: maps, lists, strings, finite numbers, true, false, null. What is
 * refused becomes null.
 */
export function toPlain(
  document: Document.Parsed,
  targets: ReadonlyMap<Alias, Node>,
  placeOf: (offset: number) => SourceLocation,
): Plain {
  const converter = new Converter(targets, placeOf)
  try {
    return { value: converter.convert(document.contents, []), spots: converter.spots, usable: true }
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error
    converter.refuse(error.node, [], error.message)
    return { value: undefined, spots: converter.spots, usable: false }
  }
}

class TooMuch {
  readonly node: Node | null
  readonly message: string
  constructor(node: Node | null, message: string) {
    this.node = node
    this.message = message
  }
}

class Converter {
  readonly spots: Spot[] = []
  readonly #targets: ReadonlyMap<Alias, Node>
  readonly #placeOf: (offset: number) => SourceLocation
  #nodes = 0
  #aliases = 0

  constructor(targets: ReadonlyMap<Alias, Node>, placeOf: (offset: number) => SourceLocation) {
    this.#targets = targets
    this.#placeOf = placeOf
  }

  convert(node: Node | null, path: Path): unknown {
    if (++this.#nodes > limits.nodes) throw new TooMuch(node, "the file holds too much")
    if (path.length > limits.depth)
      throw new TooMuch(node, "nested too deeply, or an alias that contains itself")
    if (isAlias(node)) return this.#follow(node, path)
    if (isSeq<Node>(node))
      return node.items.map((item, index) => this.convert(item, [...path, index]))
    if (isMap<Node, Node | null>(node)) return this.#map(node.items, path)
    return isScalar(node) ? this.#scalar(node, path) : null
  }

  /** What stands on the same line is not judged: it would be a consequence. */
  refuse(node: Node | null, path: Path, message: string): null {
    this.#tell({ ...this.#placeOf(node?.range?.[0] ?? 0), path, message, hides: true })
    return null
  }

  #follow(alias: Alias, path: Path): unknown {
    if (++this.#aliases > limits.aliases)
      throw new TooMuch(alias, `more than ${limits.aliases} aliases are followed`)
    const target = this.#targets.get(alias)
    if (target === undefined)
      return this.refuse(
        alias,
        path,
        "this alias (`*`) has no anchor; a text that begins with `*` needs quotes",
      )
    return this.convert(target, path)
  }

  #map(pairs: readonly { readonly key: Node; readonly value: Node | null }[], path: Path): unknown {
    // Of a key that stands twice the first counts, as in `Yaml.place`.
    const entries = new Map<string, unknown>()
    for (const { key, value } of pairs) {
      const name = isScalar(key) ? String(key.value) : ""
      if (entries.has(name)) this.#duplicate(key, [...path, name])
      else if (name === "__proto__") this.refuse(key, path, "this key is not allowed")
      else if (name === "<<")
        this.refuse(key, path, "merge keys (`<<`) are not supported: write the keys out")
      else entries.set(name, this.convert(value, [...path, name]))
    }
    return Object.fromEntries(entries)
  }

  #duplicate(key: Node, path: Path): void {
    const hint = "remove one of the two: the other would be ignored silently"
    this.#tell({
      ...this.#placeOf(key.range?.[0] ?? 0),
      path,
      message: "this key is given twice",
      hint,
    })
  }

  #tell(spot: Spot): void {
    if (this.spots.length < limits.spots) this.spots.push(spot)
  }

  #scalar(node: Node & { readonly value: unknown }, path: Path): unknown {
    const { value } = node
    if (typeof value === "number" && !Number.isFinite(value))
      return this.refuse(node, path, "expected a finite number; put a text in quotes")
    if (typeof value === "string" && value.includes("\0"))
      return this.refuse(node, path, "a text must not hold a NUL character")
    return value
  }
}
