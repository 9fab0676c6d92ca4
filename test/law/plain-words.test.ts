import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"

/** What the program says names who does something, and says "mycelium" of itself. */

const src = join(import.meta.dir, "../../src")
const vague = /\b(?:somebody|whoever|of ours|so many|but for)\b/i
const isComment = (line: string): boolean => /^\s*(?:\*|\/\/|\/\*)/.test(line)

test("no text of the program is about somebody, whoever, or an act of ours", () => {
  const found = [...new Bun.Glob("**/*.ts").scanSync(src)].toSorted().flatMap((file) =>
    readFileSync(join(src, file), "utf8")
      .split("\n")
      .filter((line) => !isComment(line))
      .flatMap((line) => line.match(/"[^"]*"|`[^`]*`/g) ?? [])
      .filter((text) => vague.test(text))
      .map((text) => `${file}: ${text}`),
  )
  expect(found).toEqual([])
})
