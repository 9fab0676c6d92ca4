import { describe, expect, test } from "bun:test"
import { run } from "../../../src/base/processes/spawn.ts"
import type { Reference } from "../../../src/core/ports.ts"
import { readReference } from "../../../src/plugins/references/index.ts"
import { errorOf } from "../../support/error-of.ts"

const env = (name: string): string | undefined =>
  ({ ROTATOR: "from-env\n", EMPTY: "", HOME: "/home/x" })[name]

async function read(reference: Reference, folder: string): Promise<string> {
  return (await readReference(reference, { folder, env, run })).reveal()
}

describe("readReference() of a variable", () => {
  test("reads it", async () => {
    expect(await read({ env: "ROTATOR" }, "/")).toBe("from-env")
  })

  test("names one that is missing or empty", async () => {
    const missing = await errorOf(read({ env: "NOWHERE" }, "/"))
    expect([missing.code, missing.message]).toEqual([
      "reference-missing",
      "the variable NOWHERE is not set",
    ])
    expect((await errorOf(read({ env: "EMPTY" }, "/"))).code).toBe("reference-empty")
  })
})

test("readReference() labels its Secret", async () => {
  const secret = await readReference(
    { env: "ROTATOR" },
    { folder: "/", env, run, label: "production/postgres admin" },
  )
  expect(String(secret)).toBe("<secret:production/postgres admin>")
})
