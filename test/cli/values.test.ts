import { describe, expect, test } from "bun:test"
import { layOut } from "../support/mycelium.ts"

/** How values look and how strong they are, as a person sees it. */

function config(secret: object, variables: object): object {
  return {
    project: "shop",
    rotate_every: "90d",
    environments: {
      production: {
        secrets: { key: { driver: "generated", ...secret } },
        outputs: [{ dotenv: "mycelium.env", variables }],
      },
    },
  }
}
const both = { KEY: "{{ key.password }}", KEY_PREVIOUS: "{{ key.previous }}" }

describe("a key ring", () => {
  test("shows the value before beside the new one, through every rotation; an incident leaves none", async () => {
    await using project = await layOut({}, config({ keep_previous: true, format: "hex" }, both))
    const shown = (): readonly [string, string] => [
      project.variable("KEY", "mycelium.env"),
      project.variable("KEY_PREVIOUS", "mycelium.env"),
    ]
    const rotate = async (...options: readonly string[]): Promise<readonly [string, string]> => {
      expect(await project.mycelium(["rotate-now", "production", ...options])).toMatchObject({
        code: 0,
      })
      const { stdout, code } = await project.mycelium(["check"])
      expect([code, stdout.includes("drift")]).toEqual([0, false])
      return shown()
    }
    await project.mycelium(["init"])
    const [first, beforeFirst] = await rotate("--new")
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(beforeFirst).toBe(first)
    const [second, beforeSecond] = await rotate()
    expect([beforeSecond, second === first]).toEqual([first, false])
    const [third, beforeThird] = await rotate()
    expect([beforeThird, third === second]).toEqual([second, false])
    const [fourth, beforeFourth] = await rotate("--contain")
    expect([beforeFourth, fourth === third]).toEqual([fourth, false])
    // And on from there.
    expect((await rotate())[1]).toBe(fourth)
  }, 60_000)

  test("begins where there was none: until then its own value stands in the place of the one before", async () => {
    await using project = await layOut(
      { "mycelium.env": "KEY=First-key.0123456789abcdef\n" },
      config({}, { KEY: "{{ key.password }}" }),
    )
    await project.mycelium(["init"])
    expect((await project.mycelium(["adopt", "production"])).code).toBe(0)
    project.configure(config({ keep_previous: true }, both))
    expect(await project.mycelium(["render", "production"])).toMatchObject({ code: 0 })
    expect(project.variable("KEY_PREVIOUS", "mycelium.env")).toBe("First-key.0123456789abcdef")
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    expect(project.variable("KEY_PREVIOUS", "mycelium.env")).toBe("First-key.0123456789abcdef")
  }, 60_000)

  test("is asked for, or its field does not exist", async () => {
    await using project = await layOut({}, config({}, both))
    const { code, stderr } = await project.mycelium(["check"])
    expect([code, stderr]).toEqual([
      3,
      expect.stringContaining("shows `previous`, which `key` does not have"),
    ])
  })
})

describe("strength", () => {
  test("is said by check, by plan and by status --json", async () => {
    await using project = await layOut({}, config({ bits: 209 }, { KEY: "{{ key.password }}" }))
    await project.mycelium(["init"])
    expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
    expect(project.variable("KEY", "mycelium.env")).toHaveLength(35)
    expect((await project.mycelium(["check"])).stdout).toContain("35 characters: 210.0 bits")
    const { stdout } = await project.mycelium(["status", "--json"])
    expect(JSON.parse(stdout)).toMatchObject({
      environments: [{ secrets: [{ name: "key", bits: 210 }] }],
    })
    expect((await project.mycelium(["plan", "--days", "1"])).stdout).toMatch(
      /^production: nothing in the next 1 days?; the next is \w{3} \d+ \w{3,4} (\d{4} )?\d\d:\d\d UTC$/m,
    )
    expect((await project.mycelium(["plan", "--days", "100"])).stdout).toMatch(
      / rotate key \(every 90d, 210\.0 bits\)$/m,
    )
    expect(
      JSON.parse((await project.mycelium(["plan", "--days", "100", "--json"])).stdout),
    ).toMatchObject({
      environments: [{ name: "production", bits: { key: 210 }, events: [{ rotates: ["key"] }] }],
    })
  }, 60_000)

  test("below 128 bits is refused, or said aloud", async () => {
    await using project = await layOut({}, config({ length: 16 }, { KEY: "{{ key.password }}" }))
    const refused = await project.mycelium(["check"])
    expect([refused.code, refused.stderr]).toEqual([
      3,
      expect.stringContaining(
        "these values have 94.7 bits, fewer than 128: give it 22 characters, or say weak: true",
      ),
    ])
    project.configure(config({ length: 16, weak: true }, { KEY: "{{ key.password }}" }))
    await project.mycelium(["init"])
    expect((await project.mycelium(["check"])).stdout).toContain("production/key has weak: true")
  }, 60_000)
})
