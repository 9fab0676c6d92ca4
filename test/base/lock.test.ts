import { expect, test } from "bun:test"
import { join } from "node:path"
import { bun, source } from "../support/running.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/** A process that takes the lock again and again, and says what it was told: "held", or by whom another holds it. */
const contender = `
import { takeLock } from ${JSON.stringify(join(source, "base/lock.ts"))}
const [path, name, rounds] = process.argv.slice(1)
const told = []
for (let round = 0; round < Number(rounds); round++) {
  const lock = await takeLock(path, name)
  told.push("heldBy" in lock ? lock.heldBy : "held")
  if ("release" in lock) lock.release()
}
console.log(JSON.stringify(told))
`

test("takeLock() names the holder to everyone whom it refuses, also while the lock goes from hand to hand", async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "production.lock")
  const children = ["first", "second", "third"].map((name) => Bun.spawn([bun, "-e", contender, path, name, "200"], { stdio: ["ignore", "pipe", "inherit"] }))
  const told = (await Promise.all(children.map((child) => child.stdout.text()))).flatMap((text) => JSON.parse(text) as readonly string[])
  expect(told).toHaveLength(600)
  expect(told.filter((one) => !["held", "first", "second", "third"].includes(one))).toEqual([])
  expect(told.filter((one) => one === "held").length).toBeGreaterThan(100)
})
