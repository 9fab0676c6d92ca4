import { expect, test } from "bun:test"
import { generatedNames, openGenerated } from "../support/generated.ts"
import { otherNames } from "../../src/incident/other-names.ts"

/** What a leaked file gives away beside values of Mycelium: names, never a value. */

test("a leaked .env: its other variables are named, and none of their values", async () => {
  await using project = await openGenerated()
  const own = project.read("alpha.env")
  const stripe = "sk_live_0123456789abcdef"
  project.write(
    "leak.env",
    `# the shop\n${own}STRIPE_KEY=${stripe}\nexport MAIL="a-mail-word"\nPORT=80\n`,
  )
  const ran = await project.mycelium([
    "rotate-now",
    "--exposed-in",
    "leak.env",
    "--contain",
    "--yes",
  ])
  expect(ran.code).toBe(0)
  expect(ran.stderr).toContain("not rotated here: STRIPE_KEY, MAIL: change by hand")
  expect(ran.stderr).not.toContain("ALPHA,")
  expect(ran.stdout + ran.stderr).not.toContain(stripe)
  expect(ran.stdout + ran.stderr).not.toContain("a-mail-word")
})

test("of a text that is no lines of NAME=value nothing is named", () => {
  expect(otherNames("STRIPE_KEY=0123456789\nsecret words\n", [], 6)).toEqual([])
  expect(otherNames("c2VjcmV0LXZhbHVl=secretly\n", [], 6)).toEqual([])
  expect(otherNames("URL=postgres://u:known-value@db/x\nA=123456\n", ["known-value"], 6)).toEqual([
    "A",
  ])
})

test("a value that is dead already: that it starts a rotation is said", async () => {
  await using project = await openGenerated()
  const [first] = generatedNames
  project.write("leak.txt", project.read(`${first}.env`))
  expect((await project.mycelium(["rotate-now", `production/${first}`])).code).toBe(0)
  const dry = await project.mycelium(["rotate-now", "--exposed-in", "leak.txt", "--dry-run"])
  expect(dry.stderr).toContain(
    `production/${first}  only values that are dead already stand in the text`,
  )
})
