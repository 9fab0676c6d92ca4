/**
 * Mutants: small mistakes in a copy of the tree (never in the tree itself), each of which a named
 * test must notice. Prints which test has killed which; exits 1 where one survives, or no longer
 * fits the code. `bun scripts/mutants.ts [part of a name …]`.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { allMutants } from "./mutants/all.ts"
import { findCode } from "./mutants/find-code.ts"
import type { Edit, Mutant, Named } from "./mutants/mutant.ts"
import { optionsOf } from "./usage.ts"

optionsOf("bun scripts/mutants.ts [WORD of a name …]", {})

const root = join(import.meta.dirname, "..")
const bun = process.execPath
const limitMs = 600_000
const wanted = Bun.argv.slice(2)
const mutants = allMutants.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
)

const copy = mkdtempSync(join(tmpdir(), "mycelium-mutants-"))
process.on("exit", () => rmSync(copy, { recursive: true, force: true }))
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => process.exit(1))
copyTree()
build()
const tests = [...new Map(mutants.map(({ test }) => [JSON.stringify(test), test])).values()]
for (const test of tests) {
  const { passed, said } = runTwice(test)
  if (!passed) throw new Error(`${test.file} fails without any mutant:\n${said}`)
}
const survivors = mutants.filter((mutant) => !isKilled(mutant))
for (const [law, killed] of Map.groupBy(mutants, ({ law }) => law))
  console.log(
    `${law === "always" ? law : `law ${law}`}  ` +
      `${killed.filter((mutant) => !survivors.includes(mutant)).length} of ${killed.length} ` +
      "killed",
  )
console.log(`${mutants.length - survivors.length} of ${mutants.length} mutants killed`)
process.exitCode = survivors.length === 0 ? 0 : 1

/** What git knows and what is new; node_modules and the fetched servers by a link. */
function copyTree(): void {
  const listed = Bun.spawnSync(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    { cwd: root },
  )
  for (const name of listed.stdout
    .toString()
    .split("\0")
    .filter(
      (one) =>
        one !== "" &&
        /^(src|test|scripts|config|package\.json|tsconfig\.json|bunfig\.toml|bun\.lock)/.test(one),
    )) {
    mkdirSync(dirname(join(copy, name)), { recursive: true })
    cpSync(join(root, name), join(copy, name), { force: true })
  }
  for (const name of ["node_modules", ".tools"]) symlinkSync(join(root, name), join(copy, name))
}

function build(): void {
  const flags = [
    "--compile",
    "--minify",
    "--bytecode",
    "--format=esm",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
  ]
  const { exitCode, stderr, stdout } = Bun.spawnSync(
    [bun, "build", ...flags, "--outfile=dist/mycelium", "src/main.ts"],
    { cwd: copy },
  )
  if (exitCode !== 0)
    throw new Error(`the copy does not build: ${stdout.toString()}${stderr.toString()}`)
}

type Run = {
  readonly passed: boolean
  readonly said: string
  readonly failed: readonly string[]
  /** False if it was ended because it took too long. */
  readonly ended: boolean
}

function run(test: Named): Run {
  const { MYCELIUM_BINARY: _, ...env } = process.env
  const { exitCode, exitedDueToTimeout, stderr } = Bun.spawnSync(
    [bun, "test", `./${test.file}`, ...(test.name === undefined ? [] : ["-t", test.name])],
    { cwd: copy, env: { ...env, TEST_LIMIT_MS: "60000" }, timeout: limitMs },
  )
  const said = stderr.toString()
  const failed = [...said.matchAll(/^\(fail\) (.*?)(?: \[[\d.]+ms\])?$/gm)]
  return {
    passed: exitCode === 0,
    said,
    failed: [...new Set(failed.map((match) => match[1] ?? ""))],
    ended: exitedDueToTimeout !== true,
  }
}

/** Once more if it failed: on a busy machine a test can be too slow, which says nothing of the code. */
function runTwice(test: Named): Run {
  const first = run(test)
  return first.passed ? first : run(test)
}

function isKilled(mutant: Mutant): boolean {
  const restore = mutant.edits.map(apply)
  try {
    if (mutant.test.binary === true) build()
    const result = run(mutant.test)
    // A test that could not even begin (a syntax error of the mutant, a missing server) has noticed nothing.
    const killed = !result.passed && result.failed.length > 0
    sayVerdict(mutant, killed, `${mutant.test.file}: ${result.failed[0] ?? whyUnnoticed(result)}`)
    return killed
  } catch (error) {
    sayVerdict(mutant, false, error instanceof Error ? error.message : String(error))
    return false
  } finally {
    for (const undo of restore.reverse()) undo()
  }
}

function whyUnnoticed({ passed, ended }: Run): string {
  if (passed) return "all of its tests passed"
  return ended ? "it could not begin" : `it did not end within ${limitMs / 1000} s`
}

function sayVerdict({ law, name }: Mutant, killed: boolean, why: string): void {
  const verdict = killed ? "killed by" : "SURVIVED "
  console.log(`${verdict}  ${law === "always" ? law : `law ${law}`}  ${name}  ${why}`)
}

function apply({ file, find, replace }: Edit): () => void {
  const path = join(copy, file)
  const text = readFileSync(path, "utf8")
  const [match, ...others] = findCode(text, find)
  if (match === undefined || others.length > 0)
    throw new Error(
      `the mutant does not fit ${file} any more: ${findCode(text, find).length} places match`,
    )
  writeFileSync(path, text.slice(0, match.start) + replace + text.slice(match.end))
  return () => writeFileSync(path, text)
}
