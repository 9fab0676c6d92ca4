import { expect, test } from "bun:test"
import { join } from "node:path"
import { temporaryFolder } from "../support/temp-folder.ts"

/** What `scripts/test` ends with: a reader of the last lines alone knows what failed, where and why. */

const summary = join(import.meta.dir, "../../scripts/summary.awk")

/** The last lines of a run of these files. */
async function endOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  await using folder = await temporaryFolder()
  for (const [name, text] of Object.entries(files))
    await Bun.write(
      join(folder.path, name),
      `import { describe, expect, test } from "bun:test"\n${text}`,
    )
  const junit = join(folder.path, "junit.xml")
  const report = ["--reporter=junit", `--reporter-outfile=${junit}`]
  const ran = Bun.spawnSync([process.execPath, "test", "--parallel=2", "--no-isolate", ...report], {
    cwd: folder.path,
    stderr: "pipe",
    stdout: "ignore",
  })
  return summaryOf(ran.stderr, ran.exitCode, { root: folder.path, junit })
}

function summaryOf(
  stderr: Buffer,
  code: number,
  { root, junit = "" }: { readonly root: string; readonly junit?: string },
): readonly string[] {
  const variables = ["-v", `code=${code}`, "-v", `root=${root}`, "-v", `junit=${junit}`]
  const told = Bun.spawnSync(["awk", ...variables, "-f", summary], { stdin: stderr })
  return told.stdout.toString().trimEnd().split("\n")
}

const fine = 'test("fine", () => {})'
const namesIn = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.startsWith("failed: ")).toSorted()

test("each failed test is named with its file, above the counts", async () => {
  const end = await endOf({
    "a.test.ts": `${fine}\ndescribe("out", () => test("breaks [1 ms]: it", () => expect(1).toBe(2)))`,
    "b.test.ts": `${fine}\ntest.skip("never", () => {})\ntest("late", () => Bun.sleep(500), 20)`,
  })
  expect(namesIn(end)).toEqual([
    "failed: a.test.ts: out > breaks [1 ms]: it",
    "failed: b.test.ts: late",
  ])
  expect(end.at(-1)).toBe("2 passed, 2 failed, 1 skipped")
})

test("below its name stand the first lines of its error", async () => {
  const long = `expect({ all: "y".repeat(300), why: ["<1>", "& 2", ...Array.from({ length: 30 }, String)] })`
  const end = await endOf({
    "a.test.ts": [
      'describe("out", () => test("same", () => expect(1).toBe(2)))',
      'test("same", () => { throw new Error("the server\\nis gone") })',
      'test("late", () => Bun.sleep(500), 20)',
    ].join("\n"),
    "b.test.ts": `test("long", () => ${long}.toEqual({ all: "", why: [] }))`,
  })
  const below = (name: string): readonly string[] => {
    const rest = end.slice(end.indexOf(`failed: ${name}`) + 1)
    return rest.slice(
      0,
      rest.findIndex((line) => !line.startsWith("    ")),
    )
  }
  expect(below("a.test.ts: out > same").slice(0, 3)).toEqual([
    "    AssertionError: expect(received).toBe(expected)",
    "    Expected: 2",
    "    Received: 1",
  ])
  expect(below("a.test.ts: same").slice(0, 2)).toEqual(["    Error: the server", "    is gone"])
  expect(below("a.test.ts: late")).toEqual(["    test timed out"])
  const lines = below("b.test.ts: long")
  expect(lines).toHaveLength(12)
  expect(Math.max(...lines.map(({ length }) => length))).toBe(160)
  expect(lines.join("\n")).toContain(`"<1>",\n    +     "& 2",`)
})

test("of many failed tests the first twenty are told with their errors, all with their names", async () => {
  const end = await endOf({
    "a.test.ts": "for (let n = 1; n <= 25; n++) test(`no ${n}`, () => expect(n).toBe(0))",
  })
  expect(namesIn(end)).toHaveLength(25)
  expect(end.filter((line) => line.includes("AssertionError"))).toHaveLength(20)
  expect(end).toContain("    Received: 20")
})

test("so is a file that cannot be loaded", async () => {
  const end = await endOf({ "a.test.ts": fine, "b.test.ts": 'throw new Error("no")' })
  expect(end.slice(0, 2)).toEqual([
    "failed: b.test.ts: an error outside of its tests",
    "    error: no",
  ])
  expect(namesIn(end)).toHaveLength(1)
  expect(end.at(-1)).toMatch(/^1 passed, [1-9] failed, 0 skipped$/)
})

test("an error below another file's header is named by its stack", () => {
  const said = [
    "a.test.ts:",
    "(pass) fine [0.04ms]",
    "",
    "# Unhandled error between tests",
    "-------------------------------",
    '1 | throw new Error("no")',
    "              ^",
    "error: no",
    "      at /tree/test/b.test.ts:1:11",
    "-------------------------------",
    "",
    " 1 pass",
    " 1 fail",
    "Ran 2 tests across 2 files. [21.00ms]",
  ]
  expect(summaryOf(Buffer.from(said.join("\n")), 1, { root: "/tree" })).toEqual([
    "failed: test/b.test.ts: an error outside of its tests",
    "    error: no",
    "          at /tree/test/b.test.ts:1:11",
    "1 passed, 1 failed, 0 skipped",
  ])
})

test("where nothing failed, the counts are all", async () => {
  expect(await endOf({ "a.test.ts": fine })).toEqual(["1 passed, 0 failed, 0 skipped"])
})

test("a run that ended without a word of a test has failed", () => {
  expect(summaryOf(Buffer.from(""), 139, { root: "/tree" })).toEqual([
    "failed: bun test itself, with 139: see what it said",
    "0 passed, 1 failed, 0 skipped",
  ])
})
