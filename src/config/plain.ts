import { isAlias, isMap, isScalar, isSeq, type Document, type Node } from "yaml"
import type { Place } from "./yaml.ts"
import type { Spot } from "./yaml-syntax.ts"

/** How much data a config may hold once its aliases are followed; a "billion laughs" needs more. */
const limits = { nodes: 500_000, depth: 40 } as const

/** Raised inside, caught here: what stands at `node` cannot be data. */
class Refusal {
  readonly node: Node | null
  readonly says: string
  constructor(node: Node | null, says: string) {
    this.node = node
    this.says = says
  }
}

/** The document as plain data: maps, lists, strings, finite numbers, true, false, null. */
export function toPlain(document: Document.Parsed, placeOf: (offset: number) => Place): { readonly value: unknown; readonly spots: readonly Spot[] } {
  let nodes = 0
  const convert = (node: Node | null, depth: number): unknown => {
    nodes += 1
    if (nodes > limits.nodes) throw new Refusal(node, "the file holds too much")
    if (depth > limits.depth) throw new Refusal(node, "nested too deeply, or an alias that contains itself")
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (target === undefined) throw new Refusal(node, "this alias (`*`) has no anchor; a text that begins with `*` needs quotes")
      return convert(target, depth + 1)
    }
    if (isSeq<Node>(node)) return node.items.map((item) => convert(item, depth + 1))
    if (isMap<Node, Node | null>(node)) {
      // Of a key that stands twice the first counts, as in `Yaml.place`.
      const entries = new Map<string, unknown>()
      for (const { key, value } of node.items) {
        const name = keyOf(key)
        if (!entries.has(name)) entries.set(name, convert(value, depth + 1))
      }
      return Object.fromEntries(entries)
    }
    return isScalar(node) ? scalarOf(node) : null
  }
  try {
    return { value: convert(document.contents, 0), spots: [] }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { value: undefined, spots: [{ ...placeOf(error.node?.range?.[0] ?? 0), says: error.says }] }
  }
}

function keyOf(key: Node): string {
  const text = isScalar(key) ? String(key.value) : ""
  if (text === "__proto__") throw new Refusal(key, "this key is not allowed")
  if (text === "<<") throw new Refusal(key, "merge keys (`<<`) are not supported: write the keys out")
  return text
}

function scalarOf(node: Node & { readonly value: unknown }): unknown {
  const { value } = node
  if (typeof value === "number" && !Number.isFinite(value)) throw new Refusal(node, "expected a finite number; put a text in quotes")
  if (typeof value === "string" && value.includes("\0")) throw new Refusal(node, "a text must not hold a NUL character")
  return value
}
