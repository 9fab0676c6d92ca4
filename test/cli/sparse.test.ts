import { closeSync, openSync, truncateSync, writeSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "bun:test"
import { generatedNames, openGenerated } from "../support/generated.ts"

/** A file of 300 GB that takes no room: a program, or an intruder, has made it. */

const size = 300 * 1024 ** 3
const [first = ""] = generatedNames

function plant(path: string, parts: readonly (readonly [at: number, text: string])[] = []): void {
  const file = openSync(path, "w")
  try {
    for (const [at, text] of parts) writeSync(file, text, at)
  } finally {
    closeSync(file)
  }
  truncateSync(path, size)
}

test("--exposed-in finds a value in a sparse file, whose holes it does not read", async () => {
  await using project = await openGenerated()
  const value = /=(.*)/.exec(project.read(`${first}.env`))?.[1] ?? ""
  plant(join(project.folder, "image"), [
    [0, "nothing here"],
    [200 * 1024 ** 3 + 5, value],
  ])
  const began = performance.now()
  const ran = await project.mycelium(["rotate-now", "--exposed-in", "image", "--dry-run"])
  expect(ran.stderr).toContain(`exposed   production/${first}`)
  expect(performance.now() - began).toBeLessThan(10_000)
})

test("--exposed-in of a file without any data, and of one that says no size, says what it found", async () => {
  await using project = await openGenerated()
  plant(join(project.folder, "empty"))
  const ran = await project.mycelium(["rotate-now", "--exposed-in", "empty", "--dry-run"])
  expect(ran.stderr).toContain("that text holds none of the versions")
  const value = /=(.*)/.exec(project.read(`${first}.env`))?.[1] ?? ""
  const child = Bun.spawn(["sleep", "60"], { env: { SHOWN: value } })
  try {
    const environ = `/proc/${child.pid}/environ`
    const found = await project.mycelium(["rotate-now", "--exposed-in", environ, "--dry-run"])
    expect(found.stderr).toContain(`exposed   production/${first}`)
  } finally {
    child.kill()
  }
})

test.each([
  "check",
  "adopt production",
  "render production",
  "rotate-now production --dry-run",
  "rotate-now production",
  "rotate-now production --contain --yes",
  "status",
  "plan",
  "reconcile production",
])("%s beside an output of that size ends soon, with one clear sentence", async (command) => {
  const args = command.split(" ")
  await using project = await openGenerated()
  plant(join(project.folder, `${first}.env`))
  const began = performance.now()
  const ran = await project.mycelium(args)
  expect(performance.now() - began).toBeLessThan(10_000)
  const said = ran.stdout + ran.stderr
  // It is not written, so it needs no room.
  expect(said).not.toMatch(/disk-full|output-unwritable/)
  if (["status", "plan"].includes(command)) return
  expect(said).toContain(`${first}.env is larger than 1048576 bytes`)
})
