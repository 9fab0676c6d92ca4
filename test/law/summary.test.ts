import { expect, test } from "bun:test"
import { join } from "node:path"
import { temporaryFolder } from "../support/temp-folder.ts"

/** What `scripts/test` ends with: whoever reads the last lines alone knows what failed, and where. */

const summary = join(import.meta.dir, "../../scripts/summary.awk")

/** The last lines of a run of these files. */
async function endOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  await using folder = await temporaryFolder()
  for (const [name, text] of Object.entries(files))
    await Bun.write(
      join(folder.path, name),
      `import { describe, expect, test } from "bun:test"\n${text}`,
    )
  const ran = Bun.spawnSync([process.execPath, "test", "--parallel=2", "--no-isolate"], {
    cwd: folder.path,
    stderr: "pipe",
    stdout: "ignore",
  })
  return summaryOf(ran.stderr, ran.exitCode, folder.path)
}

function summaryOf(stderr: Buffer, code: number, root: string): readonly string[] {
  const variables = ["-v", `code=${code}`, "-v", `root=${root}`]
  const told = Bun.spawnSync(["awk", ...variables, "-f", summary], { stdin: stderr })
  return told.stdout.toString().trimEnd().split("\n")
}

const fine = 'test("fine", () => {})'

test("each failed test is named with its file, above the counts", async () => {
  const end = await endOf({
    "a.test.ts": `${fine}\ndescribe("out", () => test("breaks [1 ms]: it", () => expect(1).toBe(2)))`,
    "b.test.ts": `${fine}\ntest.skip("never", () => {})\ntest("late", () => Bun.sleep(500), 20)`,
  })
  expect(end.slice(0, -1).toSorted()).toEqual([
    "failed: a.test.ts: out > breaks [1 ms]: it",
    "failed: b.test.ts: late",
  ])
  expect(end.at(-1)).toBe("2 passed, 2 failed, 1 skipped")
})

test("so is a file that cannot be loaded", async () => {
  const end = await endOf({ "a.test.ts": fine, "b.test.ts": 'throw new Error("no")' })
  expect(end).toEqual(["failed: b.test.ts: an error outside of its tests", end.at(-1) ?? ""])
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
  expect(summaryOf(Buffer.from(said.join("\n")), 1, "/tree")).toEqual([
    "failed: test/b.test.ts: an error outside of its tests",
    "1 passed, 1 failed, 0 skipped",
  ])
})

test("where nothing failed, the counts are all", async () => {
  expect(await endOf({ "a.test.ts": fine })).toEqual(["1 passed, 0 failed, 0 skipped"])
})

test("a run that ended without a word of a test has failed", () => {
  expect(summaryOf(Buffer.from(""), 139, "/tree")).toEqual([
    "failed: bun test itself, with 139: see what it said",
    "0 passed, 1 failed, 0 skipped",
  ])
})
