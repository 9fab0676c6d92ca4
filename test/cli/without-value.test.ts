import { expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { layOut } from "../support/mycelium.ts"

/**
 * A secret that was added to the config and has no value yet holds up no other one that the same
 * file shows.
 */

const variables = { A: "{{ a.password }}" }
const both = { ...variables, B: "{{ b.password }}" }
const kinds = [
  {
    kind: "a whole .env",
    output: (of: object) => ({ dotenv: "out.env", variables: of }),
    shows: (read: (path: string) => string) => read("out.env"),
  },
  {
    kind: "a merged .env",
    output: (of: object) => ({ dotenv: "out.env", merge: true, variables: of }),
    shows: (read: (path: string) => string) => read("out.env"),
  },
  {
    kind: "json",
    output: (of: object) => ({ json: "out.json", variables: of }),
    shows: (read: (path: string) => string) => read("out.json"),
  },
  {
    kind: "a folder",
    output: (of: object) => ({ folder: "out", files: of }),
    shows: (read: (path: string) => string) => read("out/A"),
  },
] as const

const config = (secrets: readonly string[], output: object): object => ({
  project: "shop",
  environments: {
    production: {
      rotate_every: "90d",
      secrets: Object.fromEntries(secrets.map((name) => [name, "generated"])),
      outputs: [output],
    },
  },
})

test.each(kinds)(
  "in $kind the others rotate, are contained and rendered; then its own comes beside them",
  async ({ output, shows }) => {
    await using project = await layOut({}, config(["a"], output(variables)))
    const read = (): string => shows((path) => project.read(path))
    await project.mycelium(["init"])
    expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
    project.configure(config(["a", "b"], output(both)))
    let before = read()
    for (const args of [
      ["rotate-now", "production/a"],
      ["rotate-now", "production/a", "--contain", "--yes"],
    ]) {
      const ran = await project.mycelium(args)
      expect({ args, code: ran.code, said: ran.stdout + ran.stderr }).toMatchObject({
        args,
        code: 0,
      })
      expect(read()).not.toBe(before)
      before = read()
    }
    expect((await project.mycelium(["check"])).stdout).not.toContain("FAIL")
    const first = await project.mycelium(["rotate-now", "production/b", "--new"])
    expect({ code: first.code, said: first.stderr }).toMatchObject({ code: 0 })
  },
  60_000,
)

test("what stands in a whole file for a secret without a value stays as it is, until it is adopted", async () => {
  await using project = await layOut({}, config(["a"], { dotenv: "out.env", variables }))
  await project.mycelium(["init"])
  await project.mycelium(["rotate-now", "production", "--new"])
  project.configure(config(["a", "b"], { dotenv: "out.env", variables: both }))
  const own = "Only-here.0123456789abcdef"
  project.write("out.env", `${project.read("out.env")}B=${own}\n`)
  expect((await project.mycelium(["rotate-now", "production/a"])).code).toBe(0)
  expect(project.read("out.env")).toContain(`\nB=${own}\n`)
  expect((await project.mycelium(["adopt", "production"])).stdout).toContain(
    "production/b: adopted as v1",
  )
}, 60_000)

test("a text that shows it beside one that has a value is not left with the old one: that is said, and nothing rotates", async () => {
  await using project = await layOut(
    {},
    config(["a"], { dotenv: "out.env", merge: true, variables }),
  )
  await project.mycelium(["init"])
  await project.mycelium(["rotate-now", "production", "--new"])
  project.configure(
    config(["a", "b"], {
      dotenv: "out.env",
      merge: true,
      variables: { A: "{{ a.password }}:{{ b.password }}" },
    }),
  )
  project.write("out.env", "A=\n")
  const ran = await project.mycelium(["rotate-now", "production/a"])
  expect({ code: ran.code, said: ran.stdout }).toEqual({
    code: 1,
    said: expect.stringContaining("b has no value yet, and the file shows it, too"),
  })
}, 60_000)

test("a merged file that has gone is not made anew in silence", async () => {
  await using project = await layOut(
    { "out.env": "MINE=1\n" },
    config(["a"], { dotenv: "out.env", merge: true, variables }),
  )
  await project.mycelium(["init"])
  const first = await project.mycelium(["rotate-now", "production", "--new"])
  expect(first.stderr).not.toContain("not there any more")
  const gone =
    `${project.path("out.env")} is not there any more: it is made anew with A alone; ` +
    "other lines that it had are gone"
  for (const args of [
    ["rotate-now", "production", "--dry-run"],
    ["render", "production"],
  ]) {
    rmSync(project.path("out.env"), { force: true })
    const { stdout, stderr } = await project.mycelium(args)
    expect({ args, said: stdout + stderr }).toEqual({ args, said: expect.stringContaining(gone) })
  }
  rmSync(project.path("out.env"))
  const rotated = await project.mycelium(["rotate-now", "production"])
  expect({ code: rotated.code, said: rotated.stderr }).toEqual({
    code: 0,
    said: expect.stringContaining(gone),
  })
}, 60_000)
