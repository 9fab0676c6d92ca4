import { expect, test } from "bun:test"
import { record, recordingIn } from "../../scripts/recording.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/**
 * What the README shows of a first rotation is what the binary prints;
 * `bun scripts/recording.ts --write` renews it.
 */
test("the README's recording is what the binary says", async () => {
  await using home = await temporaryFolder()
  const shown = await recordingIn()
  expect(shown).toContain("$ mycelium rotate-now production")
  expect(await record(home.path)).toBe(shown)
})
