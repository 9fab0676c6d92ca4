/**
 * Prints the test files that need no server, no built binary and no strace, and kill nothing:
 * `scripts/test --fast` runs those. A file counts by all that it imports, directly or not.
 */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { importsOf } from "./laws/imports.ts"

const root = join(import.meta.dirname, "..")

/**
 * What takes long: servers, the binary, system calls of a process, each schedule of the simulated
 * world, watchers.
 */
const slow = [
  /^test\/support\/servers\//,
  /^test\/support\/(mycelium|shop|tracing|sealed)/,
  /^test\/plugins\/drivers\/exec\/key-service/,
  /^test\/plugins\/outputs\/(observer\/|hostile\/swaps|conformance\/kills)/,
  /^test\/crash\/(explore|interleavings|order)/,
  /^test\/(fuzz|model)\//,
  /^scripts\/(recording|readers\/catalogue)/,
]

const known = new Map<string, boolean>()

function isSlow(file: string): boolean {
  const found = known.get(file)
  if (found !== undefined) return found
  // An import ring ends here.
  known.set(file, false)
  const answer =
    slow.some((pattern) => pattern.test(file)) || importsFrom(file).some((path) => isSlow(path))
  known.set(file, answer)
  return answer
}

function importsFrom(file: string): readonly string[] {
  return importsOf(readFileSync(join(root, file), "utf8"))
    .filter((path) => path.startsWith(".") && path.endsWith(".ts"))
    .map((path) => normalize(join(dirname(file), path)))
    .filter((path) => /^(test|scripts)\//.test(path))
}

for (const name of readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" }).sort())
  if (name.endsWith(".test.ts") && !isSlow(join("test", name))) console.log(join("test", name))
