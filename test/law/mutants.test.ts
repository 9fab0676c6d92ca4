import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { findCode } from "../../scripts/mutants/find-code.ts"
import { engine } from "../../scripts/mutants/engine.ts"
import { ofEntries } from "../../scripts/mutants/entries.ts"
import { ground } from "../../scripts/mutants/ground.ts"
import { laws } from "../../scripts/mutants/laws.ts"
import type { Named } from "../../scripts/mutants/mutant.ts"

const root = join(import.meta.dir, "..", "..")

test("each mutant of scripts/mutants.ts still fits the code, and names a test that is there", () => {
  const wrong = [...engine, ...laws, ...ground, ...ofEntries].flatMap(
    ({ name, edits, test: named }) => [
      ...edits.flatMap(({ file: changed, find }) =>
        findCode(readFileSync(join(root, changed), "utf8"), find).length === 1
          ? []
          : [`${name}: ${changed}`],
      ),
      ...(isThere(named) ? [] : [`${name}: no test ${named.name ?? ""} in ${named.file}`]),
    ],
  )
  expect(wrong).toEqual([])
})

function isThere({ file, name = "" }: Named): boolean {
  const text = readFileSync(join(root, file), "utf8")
  return text !== "" && text.includes(name)
}
