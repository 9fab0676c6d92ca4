import { expect, test } from "bun:test"
import { layOut } from "../support/mycelium.ts"

/** The three forms in which `run` writes its log. */

async function open() {
  const project = await layOut()
  project.configure({
    project: "shop",
    environments: {
      production: {
        schedule: "* * * * *",
        rotate_every: "1m",
        secrets: { key: "generated" },
        outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
      },
    },
  })
  for (const args of [["init"], ["rotate-now", "production", "--new"]])
    expect((await project.mycelium(args)).code).toBe(0)
  return project
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /

test("text has the time and the level, on stderr", async () => {
  await using project = await open()
  const { stdout, stderr } = await project.mycelium(["run", "--once"])
  expect(stdout).toBe("")
  for (const line of stderr.split("\n").filter(Boolean))
    expect(line).toMatch(new RegExp(`${time.source}(info|warning|error) +\\S`))
})

test("journal has the priority in front and no time", async () => {
  await using project = await open()
  project.write(".env", "KEY=another\n")
  const { stdout, stderr } = await project.mycelium(["run", "--once", "--log", "journal"])
  expect(stdout).toBe("")
  const lines = stderr.split("\n").filter(Boolean)
  for (const line of lines) expect(line).toMatch(/^<[346]>[a-z]/)
  expect(lines.map((line) => line.slice(0, 3)).toSorted()).toEqual(["<3>", "<6>"])
})

test("json is what --json says", async () => {
  await using project = await open()
  const named = await project.mycelium(["run", "--once", "--log", "json"])
  expect(named.stderr).toBe("")
  for (const line of named.stdout.split("\n").filter(Boolean))
    expect(JSON.parse(line)).toMatchObject({ at: expect.any(String), level: expect.any(String) })
})

test("another form is refused with those that there are", async () => {
  await using project = await open()
  const said = await project.mycelium(["run", "--once", "--log", "xml"])
  expect([said.code, said.stdout, said.stderr]).toEqual([
    2,
    "",
    "mycelium: there is no such form of the log\n  hint: --log takes one of text, json, journal\n",
  ])
})
