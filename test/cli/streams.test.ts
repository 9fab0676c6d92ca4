import { afterAll, beforeAll, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { binary, type Project, layOut } from "../support/mycelium.ts"

/**
 * What reads us may be slow, or go away: nothing of what was said is lost before it goes, and its
 * going changes nothing else.
 */

const environments = 400
let project: Project
let said = ""
beforeAll(async () => {
  const names = Array.from({ length: environments }, (_, index) => `environment_${index}`)
  project = await layOut(
    {},
    "project: shop\n" +
      "environments:\n" +
      `${names.map((name) => `  ${name}: { rotate_every: 90d, secrets: { first_key: generated, second_key: generated, third_key: generated } }\n`).join("")}`,
  )
  said = (await project.mycelium(["status"])).stdout
  // More than a pipe holds.
  expect(said.length).toBeGreaterThan(100_000)
})
afterAll(() => project[Symbol.asyncDispose]())

/** Without the next window, which the clock changes between two calls. */
function undated(text: string): string {
  return text.replaceAll(/next window .*/g, "next window")
}

/** By a shell, which makes its pipes as a person's does. `$M` is the binary. */
async function shell(
  text: string,
): Promise<{ readonly out: string; readonly err: string; readonly code: number }> {
  const child = Bun.spawn(["bash", "-c", text], {
    cwd: project.folder,
    env: { ...project.environment, M: binary },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { out, err, code }
}

test("a reader that takes a line at a time gets all of it, more than the pipe holds", async () => {
  const { out, code } = await shell(
    '$M status | while IFS= read -r line; do printf "%s\\n" "$line"; done; exit ${PIPESTATUS[0]}',
  )
  expect({ out: undated(out), code }).toEqual({ out: undated(said), code: 0 })
})

test("a reader that goes away ends the talk, not the work, and not its code", async () => {
  expect(await shell("$M status | head -c 5 > /dev/null; exit ${PIPESTATUS[0]}")).toEqual({
    out: "",
    err: "",
    code: 0,
  })
  expect(await shell("$M nonsense 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}")).toEqual({
    out: "",
    err: "",
    code: 2,
  })
})

test("where there is nothing to write to, its code is the same", async () => {
  expect((await shell("$M status >&-")).code).toBe(0)
  expect((await shell("$M status > /dev/full")).code).toBe(0)
  expect((await shell("$M nonsense >&- 2>&-")).code).toBe(2)
})

test("a file gets all of it, at its end where it is appended to, and both streams in turn", async () => {
  await shell("echo before > file; $M status >> file; $M nonsense >> file 2>&1")
  const text = readFileSync(project.path("file"), "utf8")
  expect(undated(text)).toStartWith(
    `before\n${undated(said)}mycelium: there is no command "nonsense"\n`,
  )
})
