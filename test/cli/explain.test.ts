import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { allCodes, explanationOf } from "../../src/cli/explain/texts.ts"
import { layOut } from "../support/mycelium.ts"

/** How code says a code. A new way of saying one belongs in here, or its codes go unexplained. */
const ways: readonly RegExp[] = [
  /\bAppError\(\s*"([a-z0-9-]+)"/g,
  /\bsuper\(\s*"([a-z0-9-]+)",/g,
  /\bcode: "([a-z0-9-]+)"/g,
  // A code that is asked for by name.
  /^export const [a-zA-Z]+ = "(waits-for-another)"$/gm,
  /\bcode:\s[^,}:]*?\?\s+"([a-z0-9-]+)"\s+:\s+"([a-z0-9-]+)"/g,
  /\bcode:\s[^,}:]*?\?\?\s+"([a-z0-9-]+)"/g,
  // problem("account-missing", …), error("no-answer", …), report.found("file-open", …)
  /\b[a-z][A-Za-z]*\(\s*"([a-z0-9]+(?:-[a-z0-9]+)+)",/g,
  /\bfound\([^,]*\?\s+"([a-z0-9-]+)"\s+:\s+"([a-z0-9-]+)",/g,
  /\breport\.found\(\s*"([a-z0-9-]+)",/g,
  // "file-open": { severity: "error", … }
  /^\s+"?([a-z0-9-]+)"?: \{ severity:/gm,
  // "28P01": ["password-refused", "…", "ask-operator"]
  /\[\s*"([a-z0-9]+(?:-[a-z0-9]+)+)",\s+"[^"]*",\s+(?:"(?:retry|give-up|ask-operator)"|passing)/g,
]
/** Zod's own word for a refinement; a name that our runs give a server. */
const others = new Set(["custom", "mycelium-probe", "mycelium-look"])

const source = join(import.meta.dirname, "..", "..", "src")

function codesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return path === join(source, "cli", "explain") ? [] : codesIn(path)
    const text = entry.name.endsWith(".ts") ? readFileSync(path, "utf8") : ""
    return ways.flatMap((way) =>
      [...text.matchAll(way)].flatMap(([, ...codes]) => codes.filter((code) => code !== undefined)),
    )
  })
}

const inSource = new Set(codesIn(source).filter((code) => !others.has(code)))

test("explain has a text for every code of the program", () => {
  expect([...inSource].filter((code) => explanationOf(code) === undefined).sort()).toEqual([])
})

test("explain has no text for a code that does not exist, and none twice", () => {
  expect(allCodes().filter((code) => !inSource.has(code))).toEqual([])
  expect(allCodes().length).toBe(new Set(allCodes()).size)
})

test("explain says each in one paragraph that ends in a full stop and is short enough to be read at night", () => {
  for (const code of allCodes()) {
    const text = explanationOf(code) ?? ""
    expect(text).toMatch(/^[A-Z][^\n]{30,700}[.?]$/)
  }
})

test("mycelium explain prints a text, lists all codes, and suggests the nearest", async () => {
  await using project = await layOut()
  const one = await project.mycelium(["explain", "output-drift"])
  expect(one.stdout).toContain("mycelium adopt")
  expect(one.code).toBe(0)
  const all = await project.mycelium(["explain"])
  for (const code of allCodes()) expect(all.stdout).toContain(code)
  const wrong = await project.mycelium(["explain", "output-drft"])
  expect(wrong.stderr).toContain("did you mean output-drift?")
  expect(wrong.code).toBe(2)
  const document: unknown = JSON.parse(
    (await project.mycelium(["explain", "stuck", "--json"])).stdout,
  )
  expect(document).toEqual({ code: "stuck", text: explanationOf("stuck") })
})
