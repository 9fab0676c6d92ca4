import { describe, expect, test } from "bun:test"
import { homedir } from "node:os"
import { storeFolder } from "../../src/config/store.ts"

const env = (variables: Readonly<Record<string, string>>) => (name: string) => variables[name]

describe("storeFolder()", () => {
  test("is what the config says, relative to the config", () => {
    expect(storeFolder("/var/lib/x", "/etc/shop", env({ XDG_STATE_HOME: "/state" }))).toBe(
      "/var/lib/x",
    )
    expect(storeFolder("state", "/etc/shop", env({}))).toBe("/etc/shop/state")
  })

  test("is the XDG state folder otherwise", () => {
    expect(
      storeFolder(undefined, "/etc/shop", env({ XDG_STATE_HOME: "/state", HOME: "/home/a" })),
    ).toBe("/state/mycelium")
    expect(storeFolder(undefined, "/etc/shop", env({ HOME: "/home/a" }))).toBe(
      "/home/a/.local/state/mycelium",
    )
  })

  test("ignores a relative XDG_STATE_HOME, as XDG demands, and a relative or missing HOME", () => {
    expect(
      storeFolder(undefined, "/etc/shop", env({ XDG_STATE_HOME: "state", HOME: "/home/a" })),
    ).toBe("/home/a/.local/state/mycelium")
    expect(storeFolder(undefined, "/etc/shop", env({ XDG_STATE_HOME: "", HOME: "a" }))).toBe(
      `${homedir()}/.local/state/mycelium`,
    )
    expect(storeFolder(undefined, "/etc/shop", env({}))).toBe(`${homedir()}/.local/state/mycelium`)
  })
})
