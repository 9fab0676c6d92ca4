import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { allMutants } from "../../scripts/mutants/all.ts"
import { findCode } from "../../scripts/mutants/find-code.ts"
import type { Named } from "../../scripts/mutants/mutant.ts"

const root = join(import.meta.dir, "..", "..")

test("each mutant of scripts/mutants.ts still fits the code, and names a test that exists", () => {
  const wrong = allMutants.flatMap(({ name, edits, test: named }) => [
    ...edits.flatMap(({ file: changed, find }) =>
      findCode(readFileSync(join(root, changed), "utf8"), find).length === 1
        ? []
        : [`${name}: ${changed}`],
    ),
    ...(exists(named) ? [] : [`${name}: no test ${named.name ?? ""} in ${named.file}`]),
  ])
  expect(wrong).toEqual([])
})

function exists({ file, name = "" }: Named): boolean {
  const text = readFileSync(join(root, file), "utf8")
  return text !== "" && text.includes(name)
}
