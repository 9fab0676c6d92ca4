import { expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "./temp-folder.ts"

const root = join(import.meta.dir, "..", "..")

test("each file that is run by hand has the limit of the suite, which no option sets", async () => {
  expect(readFileSync(join(root, "scripts", "test"), "utf8")).not.toContain("--timeout")
  const settings = readFileSync(join(root, "bunfig.toml"), "utf8")
  expect(settings).toContain('"./test/support/time-limit.ts"')
  await using folder = await temporaryFolder()
  writeFileSync(
    join(folder.path, "bunfig.toml"),
    settings.replace("./test/", `${root}/test/`).replace('root = "test"', ""),
  )
  const endless =
    'import { test } from "bun:test"\n' +
    'test("endless", () => new Promise((resolve) => setTimeout(resolve, 600_000)))\n'
  for (const name of ["one", "other"]) writeFileSync(join(folder.path, `${name}.test.ts`), endless)
  const bun = Bun.spawn([process.execPath, "test"], {
    cwd: folder.path,
    env: { ...process.env, TEST_LIMIT_MS: "20" },
    stdio: ["ignore", "ignore", "pipe"],
  })
  const [said] = await Promise.all([bun.stderr.text(), bun.exited])
  expect(said.match(/timed out after \d+ms/g)).toEqual([
    "timed out after 20ms",
    "timed out after 20ms",
  ])
})
