import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { answersAt } from "../../../src/base/processes/ask-path.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

test("a file, a folder, a pipe without a writer, and a missing path all answer", async () => {
  await using folder = await temporaryFolder()
  const path = (name: string): string => join(folder.path, name)
  writeFileSync(path("file"), "x")
  mkdirSync(path("folder"))
  Bun.spawnSync(["mkfifo", path("pipe")])
  for (const name of ["file", "folder", "pipe", "none/deep/.env"])
    expect([name, await answersAt(path(name), 20_000)]).toEqual([name, true])
})
