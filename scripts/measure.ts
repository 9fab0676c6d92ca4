/**
 * Figures of how readable the source is, for before and after:
 * `bun scripts/measure.ts [folder of a checkout]`. Reads the syntax tree; changes nothing. The aims
 * are of judgement, so it never fails.
 */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"
import { API } from "typescript/unstable/async"
import {
  isConditionalExpression,
  isFunctionLikeDeclaration,
  isIdentifier,
  isSpreadAssignment,
  type Node,
} from "typescript/unstable/ast"
import { importsOf } from "./laws/imports.ts"
import { ringsOf } from "./laws/rings.ts"
import { formerNames } from "./measure/former-names.ts"
import { optionsOf } from "./usage.ts"

optionsOf("bun scripts/measure.ts [WORD: folder of a checkout]", {})

const root = normalize(Bun.argv[2] ?? join(import.meta.dirname, ".."))
const source = join(root, "src")

type Counts = {
  functionLengths: number[]
  manyParameters: number
  nestedConditionals: number
  undefinedSpreads: number
  readonly former: Map<string, number>
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join(source, name), "utf8") }))
const lines = files.flatMap(({ text }) => text.trimEnd().split("\n"))
const counts = await countAll()
const graph = new Map(files.map(({ name, text }) => [name, localImports(name, text)]))
const rings = ringsOf(graph)

row("files", files.length)
row("lines", lines.length)
row(
  "width p90 / p99 / max",
  [0.9, 0.99, 1]
    .map((share) =>
      percentile(
        lines.map(({ length }) => length),
        share,
      ),
    )
    .join(" / "),
)
row("lines over 120", lines.filter(({ length }) => length > 120).length)
row("lines over 100", lines.filter(({ length }) => length > 100).length)
row("files over 250 lines", files.filter(({ text }) => text.split("\n").length > 251).length)
row("functions", counts.functionLengths.length)
row(
  "function lines p50 / p90 / max",
  [0.5, 0.9, 1].map((share) => percentile(counts.functionLengths, share)).join(" / "),
)
row("functions over 40 lines", counts.functionLengths.filter((length) => length > 40).length)
row("functions of more than 4 parameters", counts.manyParameters)
row("nested conditionals", counts.nestedConditionals)
row("spreads of undefined", counts.undefinedSpreads)
row("import rings, types counted", rings.length)
for (const ring of rings) console.log(`  ${ring.join(" <-> ")}`)
row(
  "lines of README.md",
  readFileSync(join(root, "README.md"), "utf8").trimEnd().split("\n").length,
)
row(
  "former names still there",
  [...counts.former.values()].reduce((sum, count) => sum + count, 0),
)
for (const [name, count] of [...counts.former].sort((one, other) => other[1] - one[1]))
  console.log(`  ${name} ${count}`)

function row(name: string, value: number | string): void {
  console.log(`${name.padEnd(40)}${value}`)
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

function localImports(name: string, text: string): readonly string[] {
  return importsOf(text)
    .filter((path) => path.startsWith("."))
    .map((path) => relative(".", join(dirname(name), path)))
}

async function countAll(): Promise<Counts> {
  const found: Counts = {
    functionLengths: [],
    manyParameters: 0,
    nestedConditionals: 0,
    undefinedSpreads: 0,
    former: new Map(),
  }
  const api = new API({ cwd: root })
  try {
    const snapshot = await api.updateSnapshot({ openProjects: [join(root, "tsconfig.json")] })
    const program = snapshot.getProjects()[0]?.program
    for (const { name } of files) {
      const tree = await program?.getSourceFile(join(source, name))
      if (tree === undefined) throw new Error(`src/${name} could not be read`)
      const starts = lineStarts(tree.text)
      visit(tree, (node) => count(node, starts, found))
    }
  } finally {
    await api.close()
  }
  return found
}

function visit(node: Node, each: (node: Node) => void): void {
  each(node)
  node.forEachChild((child) => visit(child, each))
}

function count(node: Node, starts: readonly number[], found: Counts): void {
  if (isFunctionLikeDeclaration(node) && "body" in node && node.body !== undefined) {
    found.functionLengths.push(lineOf(starts, node.end) - lineOf(starts, node.getStart()) + 1)
    if (node.parameters.length > 4) found.manyParameters += 1
  }
  if (
    isConditionalExpression(node) &&
    [node.whenTrue, node.whenFalse].some(isConditionalExpression)
  )
    found.nestedConditionals += 1
  if (isSpreadAssignment(node) && /\? \{\} :|: \{\}\)?$/.test(node.getText()))
    found.undefinedSpreads += 1
  if (isIdentifier(node) && formerNames.has(node.text))
    found.former.set(node.text, (found.former.get(node.text) ?? 0) + 1)
}

function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)]
}

function lineOf(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle + 1
    else high = middle
  }
  return low
}
