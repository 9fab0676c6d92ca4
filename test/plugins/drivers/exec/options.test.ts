import { describe, expect, test } from "bun:test"
import { exec } from "../../../../src/plugins/drivers/exec/index.ts"

const command = ["/usr/local/bin/key"]

function problems(written: Readonly<Record<string, unknown>>): readonly string[] {
  const parsed = exec.options.safeParse({ command, ...written })
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)
}

describe("exec, options", () => {
  test("take the least that works, and all that there is", () => {
    expect(problems({})).toEqual([])
    expect(
      problems({
        holds: "two",
        user: "shop",
        settle: "5s",
        timeout: "10s",
        env: { REGION: "eu" },
        credentials: { admin: { env: "ADMIN" } },
        trust_apply: true,
        length: 64,
      }),
    ).toEqual([])
    expect(problems({ holds: "pair", users: ["blue", "green"] })).toEqual([])
    expect(exec.overlap(exec.options.parse({ command }))).toBe("one")
    expect(exec.overlap(exec.options.parse({ command, holds: "two" }))).toBe("both")
    expect(exec.overlap(exec.options.parse({ command, holds: "pair", users: ["a", "b"] }))).toBe(
      "both",
    )
  })

  test.each([
    [{ command: "key --now" }, "command: expected a list"],
    [{ command: ["-x"] }, "command.0: the first item is the program"],
    [{ holds: "three" }, 'holds: say "one", "two"'],
    [{ holds: "pair" }, "holds: a pair is two users"],
    [{ users: ["a", "b"] }, "users: two users are for holds: pair"],
    [{ holds: "pair", users: ["a", "a"] }, "users: the two users are one and the same"],
    [{ holds: "pair", users: ["a", "b"], user: "a" }, "user: user and users contradict"],
    [{ trust_apply: true }, "trust_apply: where one value lives"],
    [{ settle: "5m" }, "settle: expected a duration such as 5s, at most 1m"],
    [{ settle: 5 }, "settle: expected a duration"],
    [{ env: { "a-b": "x" } }, "env.a-b: the name of a variable"],
    [
      { env: { MYCELIUM_RUN: "x" } },
      "env.MYCELIUM_RUN: variables that begin with MYCELIUM_ are ours",
    ],
    [
      { env: { STRIPE_API_KEY: "hunter2" } },
      "env.STRIPE_API_KEY: a credential never stands in the environment",
    ],
    [{ credentials: { admin: "hunter2" } }, "credentials.admin: a credential comes by reference"],
    [{ length: 8 }, "length: 16 characters at least"],
    [{ user: "a\nb" }, "user: a name has 1 to 255 characters"],
  ])("refuse %p", (written, message) => {
    const found = problems(written)
    expect(found).toHaveLength(1)
    expect(found[0]).toStartWith(message)
    expect(found[0]).not.toContain("hunter2")
  })

  test("are one login where command, environment and user are the same", () => {
    const login = (written: object): unknown =>
      exec.logins(exec.options.parse({ command, ...written }))[0]
    expect(login({})).toBe(login({ length: 40 }))
    expect(login({ user: "a" })).not.toBe(login({ user: "b" }))
    expect(login({ env: { REGION: "eu" } })).not.toBe(login({ env: { REGION: "us" } }))
  })
})
