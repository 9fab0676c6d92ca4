import { describe, expect, test } from "bun:test"
import { layOut, modeOf } from "../support/mycelium.ts"

/** The first commands in a life. */

const environment = (file: string): object => ({ rotate_every: "90d", secrets: { key: "generated" }, outputs: [{ dotenv: file, merge: true, variables: { KEY: "{{ key.password }}" } }] })

describe("mycelium init", () => {
  test("makes what a first rotation needs, private; a second time it keeps everything", async () => {
    await using project = await layOut()
    expect((await project.mycelium(["init"])).code).toBe(0)
    expect(modeOf(project.identityFile)).toBe("0600")
    const { stdout, code } = await project.mycelium(["rotate-now", "production", "--new"])
    expect(stdout).toContain("production/session_key: rotated, v1 is current")
    expect(code).toBe(0)
    expect(project.variable("SESSION_KEY", "mycelium.env")).toMatch(/^[A-Za-z0-9._-]{32}$/)
    const before = project.snapshot()
    expect((await project.mycelium(["init"])).stdout).toMatch(/^kept .*\nkept /)
    expect(project.snapshot()).toEqual(before)
  })
})

describe("two commands that begin a store at the same time", () => {
  test("share its keys", async () => {
    for (let round = 0; round < 5; round++) {
      await using project = await layOut({ "a.env": "KEY=First-key.0123456789abcdef\n", "b.env": "KEY=Other-key.0123456789abcdef\n" }, { project: "shop", environments: { a: environment("a.env"), b: environment("b.env") } })
      await project.mycelium(["init"])
      const begun = await Promise.all([project.mycelium(["adopt", "a"]), project.mycelium(["adopt", "b"])])
      expect(begun.map(({ code, stderr }) => `${code}${stderr}`)).toEqual(["0", "0"])
      for (const name of ["a", "b"]) expect((await project.mycelium(["rotate-now", name])).code).toBe(0)
    }
  }, 30_000)
})
