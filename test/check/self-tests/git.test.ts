import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../../../src/base/processes/spawn.ts"
import { git } from "../../../src/check/self-tests/git.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { found, result } from "./looks.ts"

const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", HOME: "/nonexistent" }
const inspect = (path: string): Promise<readonly string[]> =>
  found(git, { files: [{ path, what: "an output of production" }], run, env })

async function tree(folder: string): Promise<(...args: readonly string[]) => Promise<void>> {
  const ask = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await run(["git", ...args], { cwd: folder, env, timeoutMs: 10_000 })
    if (code !== 0) throw new Error(stderr)
  }
  await ask("init", "-q")
  return ask
}

test("git is content outside of a work tree, and with what is ignored", async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "app", ".env")
  expect(await inspect(path)).toEqual([])
  await tree(folder.path)
  mkdirSync(join(folder.path, "app"))
  writeFileSync(join(folder.path, ".gitignore"), ".env\n")
  expect(await inspect(path)).toEqual([])
})

test("git warns of a file that is not ignored, also before it exists, and says how to", async () => {
  await using folder = await temporaryFolder()
  await tree(folder.path)
  const { findings } = await result(git, {
    files: [{ path: join(folder.path, ".env"), what: "an output" }],
    run,
    env,
  })
  expect(findings.map(({ code, severity }) => `${code} ${severity}`)).toEqual([
    "output-not-ignored warning",
  ])
  expect(findings[0]?.remedy).toBe(`echo '/.env' >> ${folder.path}/.gitignore`)
})

test("git fails for a tracked file, ignored or not", async () => {
  await using folder = await temporaryFolder()
  const ask = await tree(folder.path)
  writeFileSync(join(folder.path, "-odd [name].env"), "A=1\n")
  await ask("add", "-f", "--", ":(literal)-odd [name].env")
  expect(await inspect(join(folder.path, "-odd [name].env"))).toEqual(["output-tracked error"])
  writeFileSync(join(folder.path, ".gitignore"), "*.env\n")
  expect(await inspect(join(folder.path, "-odd [name].env"))).toEqual(["output-tracked error"])
})

test("git says so where it could not be asked", async () => {
  await using folder = await temporaryFolder()
  mkdirSync(join(folder.path, ".git"))
  expect(await inspect(join(folder.path, ".env"))).toEqual(["git-not-asked info"])
})
