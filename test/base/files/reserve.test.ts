import { expect, test } from "bun:test"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Reserve } from "../../../src/base/files/reserve.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

test("what a killed run has left beside the target goes: what it reserved, with gaps, and a draft", async () => {
  await using folder = await temporaryFolder()
  const names = [
    ".a.json.mycelium-reserve-0",
    ".a.json.mycelium-reserve-6",
    ".a.json.mycelium-draft",
  ]
  for (const name of [...names, "a.json", ".b.json.mycelium-draft"])
    writeFileSync(join(folder.path, name), "{}")
  const reserve = new Reserve(join(folder.path, "a.json"))
  await reserve.tidy()
  await reserve.tidy()
  expect(readdirSync(folder.path).toSorted()).toEqual([".b.json.mycelium-draft", "a.json"])
})
