/**
 * Figures of how readable the source, the tests and the scripts are, for before and after:
 * `bun scripts/measure.ts [folder of a checkout]`. Reads the syntax tree; changes nothing. The aims
 * are of judgement, so it never fails.
 */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"
import { API } from "typescript/unstable/async"
import {
  isCallExpression,
  isConditionalExpression,
  isFunctionLikeDeclaration,
  isIdentifier,
  isSpreadAssignment,
  type Node,
  type SourceFile,
} from "typescript/unstable/ast"
import { importsOf } from "./laws/imports.ts"
import { ringsOf } from "./laws/rings.ts"
import { formerNames } from "./measure/former-names.ts"
import { optionsOf } from "./usage.ts"

optionsOf("bun scripts/measure.ts [WORD: folder of a checkout]", {})

const root = normalize(Bun.argv[2] ?? join(import.meta.dirname, ".."))

type Source = { readonly name: string; readonly text: string }
type Counts = {
  functionLengths: number[]
  manyParameters: number
  nestedConditionals: number
  undefinedSpreads: number
  readonly former: Map<string, number>
}

const source = filesOf("src")
const tests = [...filesOf("test"), ...filesOf("scripts")]
const api = new API({ cwd: root })
try {
  const snapshot = await api.updateSnapshot({ openProjects: [join(root, "tsconfig.json")] })
  const project = snapshot.getProjects()[0]
  if (project === undefined) throw new Error("tsconfig.json opens no project")
  const treeOf = (name: string): Promise<SourceFile | undefined> =>
    project.program.getSourceFile(join(root, name))
  console.log("src")
  const countsOfSource = await countAll(source, treeOf)
  printSource(source, countsOfSource)
  printFormerNames(countsOfSource)
  console.log("\ntest and scripts")
  const counts = await countAll(tests, treeOf)
  printShape(tests, counts)
  printFormerNames(counts)
} finally {
  await api.close()
}

function filesOf(folder: string): readonly Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({
      name: join(folder, name),
      text: readFileSync(join(root, folder, name), "utf8"),
    }))
}

/** What both tables show. */
function printShape(files: readonly Source[], counts: Counts): void {
  const lines = files.flatMap(({ text }) => text.trimEnd().split("\n"))
  const widths = lines.map(({ length }) => length)
  const longer = (most: number): number =>
    files.filter(({ text }) => text.trimEnd().split("\n").length > most).length
  const shares = (values: readonly number[], ...of: readonly number[]): string =>
    of.map((share) => percentile(values, share)).join(" / ")
  row("files", files.length)
  row("lines", lines.length)
  row("width p90 / p99 / max", shares(widths, 0.9, 0.99, 1))
  row("lines over 120", widths.filter((width) => width > 120).length)
  row("lines over 100", widths.filter((width) => width > 100).length)
  row("files over 250 lines", longer(250))
  row("files over 400 lines", longer(400))
  row("functions", counts.functionLengths.length)
  row("function lines p50 / p90 / max", shares(counts.functionLengths, 0.5, 0.9, 1))
  row("functions over 40 lines", counts.functionLengths.filter((length) => length > 40).length)
}

function printSource(files: readonly Source[], counts: Counts): void {
  printShape(files, counts)
  row("functions of more than 4 parameters", counts.manyParameters)
  row("nested conditionals", counts.nestedConditionals)
  row("spreads of undefined", counts.undefinedSpreads)
  const rings = ringsOf(new Map(files.map(({ name, text }) => [name, localImports(name, text)])))
  row("import rings, types counted", rings.length)
  for (const ring of rings) console.log(`  ${ring.join(" <-> ")}`)
  const readme = readFileSync(join(root, "README.md"), "utf8")
  row("lines of README.md", readme.trimEnd().split("\n").length)
}

function printFormerNames(counts: Counts): void {
  row(
    "former names still there",
    [...counts.former.values()].reduce((sum, count) => sum + count, 0),
  )
  for (const [name, count] of [...counts.former].sort((one, other) => other[1] - one[1]))
    console.log(`  ${name} ${count}`)
}

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

async function countAll(
  files: readonly Source[],
  treeOf: (name: string) => Promise<SourceFile | undefined>,
): Promise<Counts> {
  const found: Counts = {
    functionLengths: [],
    manyParameters: 0,
    nestedConditionals: 0,
    undefinedSpreads: 0,
    former: new Map(),
  }
  for (const { name } of files) {
    const tree = await treeOf(name)
    if (tree === undefined) throw new Error(`${name} could not be read`)
    const starts = lineStarts(tree.text)
    visit(tree, (node) => count(node, starts, found))
  }
  return found
}

function visit(node: Node, each: (node: Node) => void): void {
  each(node)
  node.forEachChild((child) => visit(child, each))
}

function count(node: Node, starts: readonly number[], found: Counts): void {
  if (
    isFunctionLikeDeclaration(node) &&
    "body" in node &&
    node.body !== undefined &&
    !isGroupOfTests(node)
  ) {
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

/** The function that `describe` is given only groups tests: each of them is counted by itself. */
function isGroupOfTests({ parent }: Node): boolean {
  return isCallExpression(parent) && /^describe\b/.test(parent.expression.getText())
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
