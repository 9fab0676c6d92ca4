import {
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from "yaml"
import type { KindName } from "./reference.ts"

/**
 * The parts of an example config that show one kind of plug-in: secrets, outputs or deployments as
 * written, with comments.
 */
export function exampleParts(text: string, kind: KindName, name: string): readonly string[] {
  const environments = mapIn(parseDocument(text).contents, "environments")
  return (environments?.items ?? [])
    .flatMap(({ value }) => partsOf(value, kind))
    .filter((part) => shows(part, kind, name))
    .map((part) => linesOf(text, part))
}

type Part = Pair | YAMLMap

/** Secrets and deployments have a name, outputs have none. */
function partsOf(environment: unknown, kind: KindName): readonly Part[] {
  if (kind === "driver") return mapIn(environment, "secrets")?.items ?? []
  if (kind !== "output") return mapIn(environment, "deployments")?.items ?? []
  const outputs = isMap(environment) ? environment.get("outputs") : undefined
  return isSeq(outputs) ? outputs.items.filter((one) => isMap(one)) : []
}

function shows(part: Part, kind: KindName, name: string): boolean {
  if (!isPair(part)) return part.has(name)
  const { value } = part
  if (kind === "driver") return driverOf(part) === name
  if (!isMap(value)) return false
  return kind === "restarter" ? value.has(name) : mapIn(value, "healthy")?.has(name) === true
}

/** `generated`, `{ driver: generated }`, or the secret's own name. */
function driverOf({ key, value }: Pair): unknown {
  if (isScalar(value) && typeof value.value === "string") return value.value
  return (isMap(value) ? value.get("driver") : undefined) ?? (isScalar(key) ? key.value : key)
}

function mapIn(node: unknown, key: string): YAMLMap | undefined {
  const found = isMap(node) ? node.get(key) : undefined
  return isMap(found) ? found : undefined
}

/** Whole lines, moved to the left. */
function linesOf(text: string, part: Part): string {
  const [first, last] = isPair(part) ? [part.key, part.value ?? part.key] : [part, part]
  const from = text.lastIndexOf("\n", startOf(first)) + 1
  const until = text.indexOf("\n", Math.max(from, endOf(last) - 1))
  const lines = text.slice(from, until === -1 ? undefined : until).split("\n")
  const indent = Math.min(
    ...lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)),
  )
  return lines.map((line) => line.slice(indent)).join("\n")
}

function startOf(node: unknown): number {
  return (node as Node).range?.[0] ?? 0
}
/** Where its value ends; comments of the same line are taken with the line. */
function endOf(node: unknown): number {
  return (node as Node).range?.[1] ?? 0
}
