import { expect, test } from "bun:test"
import { appendFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { near, readFlags } from "../../../src/base/files/disk.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

/** What is read of a file that `change` changes after its size was asked. */
async function readAfter(before: string, change: (path: string) => void): Promise<string> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "file")
  writeFileSync(path, before)
  const file = near.open(path, readFlags)
  try {
    const { size } = near.stat(file)
    change(path)
    return near.read(file, size).toString()
  } finally {
    near.close(file)
  }
}

const text = "0123456789".repeat(1000)

test("a file that stands still is read as it is, an empty one too", async () => {
  for (const one of [text, "1", ""]) expect(await readAfter(one, () => undefined)).toBe(one)
})

test.each([1, 2, 100_000])(
  "a file that grows by %d bytes between the look and the read is read to its end",
  async (bytes) => {
    const more = "x".repeat(bytes)
    for (const one of [text, "1", ""])
      expect(await readAfter(one, (path) => appendFileSync(path, more))).toBe(`${one}${more}`)
  },
)

test.each([9999, 5000, 1, 0])(
  "of a file that shrinks to %d bytes only these are read, nothing of what was in memory",
  async (bytes) => {
    expect(await readAfter(text, (path) => truncateSync(path, bytes))).toBe(text.slice(0, bytes))
  },
)

test("what is said to be empty, as in /proc, is read to its end", () => {
  const file = near.open("/proc/self/status", readFlags)
  try {
    expect(near.stat(file).size).toBe(0)
    expect(near.read(file, 0).toString()).toContain("Uid:")
  } finally {
    near.close(file)
  }
})
