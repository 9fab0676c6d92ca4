import { expect, test } from "bun:test"
import { generatedNames, openGenerated } from "../support/generated.ts"

test("a generated secret that was erased before it was contained: its report ends by a person's word", async () => {
  await using project = await openGenerated()
  const [first = ""] = generatedNames
  const place = `production/${first}`
  // Its program cannot be restarted, and its only file not written: nothing is contained.
  project.write(`${first}.env`, "x".repeat(2 * 1024 * 1024))
  const contain = ["rotate-now", place, "--contain", "--yes", "--incident", "leak"]
  const ran = await project.mycelium(contain)
  expect(ran.code).toBe(7)
  project.write(`${first}.env`, "")
  const erased = await project.mycelium(["delete", place, "--yes"])
  expect({
    code: erased.code,
    said: erased.code === 0 ? "" : erased.stdout + erased.stderr,
  }).toEqual({ code: 0, said: "" })
  const before = await project.mycelium(["report", "leak"])
  expect(before.code).toBe(7)
  expect(before.stdout).toContain(`mycelium delete ${place} --login-ended --yes`)
  const ended = await project.mycelium(["delete", place, "--login-ended", "--yes"])
  expect({ code: ended.code, said: ended.code === 0 ? "" : ended.stdout + ended.stderr }).toEqual({
    code: 0,
    said: "",
  })
  const after = await project.mycelium(["report", "leak"])
  expect(after.code).toBe(0)
})
