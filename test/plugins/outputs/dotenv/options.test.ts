import { describe, expect, test } from "bun:test"
import { dotenv } from "../../../../src/plugins/outputs/dotenv/index.ts"

describe("dotenv options", () => {
  const problems = (options: unknown): readonly string[] =>
    (dotenv.options.safeParse(options).error?.issues ?? []).map(
      ({ path, message }) => `${path.join(".")}: ${message}`,
    )

  test("have defaults", () => {
    expect(dotenv.options.parse({ dotenv: ".env", variables: { A: "{{ a.b }}" } })).toEqual({
      dotenv: ".env",
      for: "portable",
      merge: false,
      variables: { A: "{{ a.b }}" },
    })
  })

  test.each([
    [{ dotenv: ".env", variables: { "1A": "x" } }, "variables.1A: the name of a variable"],
    [{ dotenv: ".env", variables: { "A B": "x" } }, "variables.A B: the name of a variable"],
    [{ dotenv: ".env", variables: { "A=B\nC": "x" } }, "the name of a variable"],
    [{ dotenv: ".env", variables: {} }, "variables: name at least one variable"],
    [{ dotenv: ".env", variables: { A: 5 } }, "variables.A: a variable is a template"],
    [{ dotenv: "", variables: { A: "x" } }, "dotenv: name the file"],
    [{ dotenv: ".env", variables: { A: "x" }, mode: 600 }, 'mode: modes are strings: write "0600"'],
    [{ dotenv: ".env", variables: { A: "x" }, mode: "0644" }, "mode: others must not reach"],
    [{ dotenv: ".env", variables: { A: "x" }, for: "rails" }, "for: "],
    [{ dotenv: ".env", variables: { A: "x" }, backup: true }, "backup"],
  ])("refuse %j", (options, message) => {
    expect(problems(options).join("\n")).toContain(message)
  })

  test("have a target in the config's folder, and know what they show", () => {
    const options = dotenv.options.parse({
      dotenv: "a/../b/.env",
      variables: { A: "{{ db.user }}{{ other.x }}", B: "{{ db }}", C: "{{ oops" },
    })
    expect(dotenv.target(options, "/srv/shop")).toBe("/srv/shop/b/.env")
    expect(dotenv.target({ ...options, dotenv: "/etc/./x.env" }, "/srv/shop")).toBe("/etc/x.env")
    const { shows, problems: found } = dotenv.inspect(options)
    expect(shows).toEqual(["db", "other"])
    expect(found.map(({ path }) => path)).toEqual([
      ["variables", "B"],
      ["variables", "C"],
    ])
  })
})
