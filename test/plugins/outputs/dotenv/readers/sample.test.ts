import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmodSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { catalogue } from "../../../../../scripts/readers/catalogue.ts"
import { type Batch, type Mode, modes, writeFiles } from "../../../../../scripts/readers/files.ts"
import { temporaryFolder } from "../../../../support/temp-folder.ts"

/**
 * A small part of `bun run readers`: the programs that need no fetching, 30 files of three hard
 * values for each `for:`.
 */
const here = catalogue.filter(({ local }) => local)
const count = 30
let folder: Awaited<ReturnType<typeof temporaryFolder>>
const batches = new Map<Mode, Batch>()

beforeAll(async () => {
  folder = await temporaryFolder()
  // Shells run as the user nobody.
  chmodSync(folder.path, 0o755)
  mkdirSync(join(folder.path, "empty"), { mode: 0o755 })
  for (const mode of [...modes, "bare" as const])
    batches.set(mode, writeFiles(folder.path, mode, count, "sample"))
})
afterAll(() => folder[Symbol.asyncDispose]())

test("hard values are written, three a file, except where a reader has no way to hold them", () => {
  for (const mode of ["compose", "systemd", "shell"] as const)
    expect(batches.get(mode)?.refused).toBe(0)
  for (const [mode, batch] of batches)
    expect({ mode, keys: batch.files.flatMap(({ meant }) => [...meant.keys()]).length }).toEqual({
      mode,
      keys: 3 * count,
    })
})

test.each(here.map((real) => [real.name, real] as const))(
  "%s reads what was written for it, and what is portable",
  async (_, real) => {
    const ask = await real.ready()
    // A program that this machine lacks has nothing to say; there is always Bun itself.
    if ("why" in ask) return expect(ask.why).toMatch(/^\S+ is not (on the PATH|there)$/)
    const portable = real.own.includes("github") ? "bare" : "portable"
    for (const mode of [portable, ...real.own] as const) {
      const files = batches.get(mode)?.files ?? []
      const found = await ask(
        files.map(({ path }) => path),
        join(folder.path, "empty"),
      )
      const meant = files.flatMap((file) => [...file.meant])
      expect(meant.length).toBe(3 * count)
      expect(
        meant
          .filter(([name, value]) => found.get(name) !== value)
          .map(([name]) => `${mode} ${name}`),
      ).toEqual([])
    }
  },
)
