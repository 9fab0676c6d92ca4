import { describe, expect, test } from "bun:test"
import { generatedNames as names, killRotation, openGenerated } from "../support/generated.ts"
import { json } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"

/**
 * A containment judges what was chosen: what a rotation before it has left is finished, and told,
 * and is no part of it.
 */

type Reports = {
  readonly reports: readonly {
    readonly recovered: Readonly<Record<string, { readonly kind: string }>>
    readonly secrets: Readonly<Record<string, { readonly kind: string }>>
  }[]
}

const contain = ["rotate-now", "production/alpha", "--contain", "--yes", "--incident", "leak-7"]

describe("a containment that ends an earlier rotation first", () => {
  test("judges what was chosen alone; the exit code, the report and the status agree", async () => {
    await using project = await openGenerated()
    await killRotation(project)
    const ran = await project.mycelium([...contain, "--json"])
    const [report] = json<Reports>(ran).reports
    expect({ code: ran.code, secrets: report?.secrets, recovered: report?.recovered }).toEqual({
      code: 0,
      secrets: { alpha: { kind: "contained", version: "v3" } },
      recovered: Object.fromEntries(
        names.map((name) => [name, { kind: "rotated", version: "v2" }]),
      ),
    } as never)
    expect((await project.mycelium(["report", "leak-7"])).code).toBe(0)
    expect((await project.mycelium(["status"])).stdout).toContain("none needs attention")
    const state = await stateOf(project)
    expect(names.map((name) => state?.secrets[name]?.uncontained)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  }, 60_000)

  test("in words, what was left over is told as finished, and the last line speaks of what was chosen", async () => {
    await using project = await openGenerated()
    await killRotation(project)
    const ran = await project.mycelium(contain)
    expect(ran.stdout).toContain("production/beta: v2 is current")
    expect(ran.stdout).not.toContain("NOT")
    expect(ran.stdout).toContain("leak-7: contained, in")
    expect(ran.code).toBe(0)
  }, 60_000)
})

test("contained by this incident, and a later rotation that only went back to that value: it is contained still", async () => {
  await using project = await openGenerated()
  expect((await project.mycelium(contain)).code).toBe(0)
  await killRotation(project)
  // The way back begins in the run that ends the rotation.
  project.script("restart-alpha", "test ! -e sick || exit 3")
  project.write("sick", "")
  const ran = await project.mycelium(contain)
  expect(ran.stdout).toContain("production/alpha: went back")
  expect(ran.stdout).toContain("production/alpha: contained before, by this incident")
  expect(ran.stdout).not.toContain("NOT")
  expect((await stateOf(project))?.secrets["alpha"]?.uncontained).toBeUndefined()
  // beta went back beside it, and alpha's program is sick with the former value, too.
  expect(ran.code).toBe(5)
  expect((await project.mycelium(["report", "leak-7"])).code).toBe(0)
}, 60_000)

test("an environment that cannot be opened: it is said that status and check will not remind of it", async () => {
  await using project = await openGenerated()
  project.write(project.statePath(), "{")
  const ran = await project.mycelium(contain)
  expect(ran.stdout).toContain(
    "production: what is NOT contained could not be noted in the state: status and check will not remind you",
  )
  expect(ran.code).toBe(7)
}, 60_000)
