import { describe, expect, test } from "bun:test"
import { writeFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { z } from "zod"
import { fileOptions } from "../../../src/plugins/outputs/file-options.ts"
import { modeOf, ownership, ownershipIsRight } from "../../../src/plugins/outputs/file/rules.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const Options = z.strictObject(fileOptions)

function problem(options: unknown): string | undefined {
  return Options.safeParse(options).error?.issues[0]?.message
}

describe("fileOptions", () => {
  test.each([
    [{}],
    [{ mode: "0600" }],
    [{ mode: "640" }],
    [{ mode: "0400" }],
    [{ owner: "1000:1000" }],
    [{ owner: "app:www-data" }],
  ])("take %j", (options) => {
    expect(problem(options)).toBeUndefined()
  })

  test.each([[{ mode: 600 }], [{ mode: 0o600 }]])("refuse the bare number in %j", (options) => {
    expect(problem(options)).toBe('modes are strings: write "0600"')
  })

  test.each(["0644", "0604", "0601", "0602", "0777", "644"])(
    "refuse mode %s, in which others reach the file",
    (mode) => {
      expect(problem({ mode })).toContain("others must not reach")
    },
  )

  test.each([
    ["0200", "its owner must be able to read"],
    ["rw-------", "octal"],
    ["06000", "octal"],
    ["1600", "octal"],
    ["0689", "octal"],
  ])("refuse mode %s", (mode, message) => {
    expect(problem({ mode })).toContain(message)
  })

  test.each([
    [{ owner: 1000 }],
    [{ owner: "1000" }],
    [{ owner: "a:b:c" }],
    [{ owner: ":" }],
    [{ owner: "a: b" }],
  ])("refuse %j", (options) => {
    expect(problem(options)).toContain("owner")
  })
})

describe("ownership()", () => {
  test("is 0600 and ours where there is no file", async () => {
    expect(await ownership({}, undefined)).toEqual({ mode: 0o600 })
    expect(modeOf({ mode: "0640" })).toBe(0o640)
  })

  test("looks names up", async () => {
    expect(await ownership({ owner: "root:root" }, undefined)).toEqual({
      mode: 0o600,
      uid: 0,
      gid: 0,
    })
    expect(await ownership({ owner: "12:34" }, undefined)).toEqual({
      mode: 0o600,
      uid: 12,
      gid: 34,
    })
  })

  test("says which name there is not", async () => {
    expect((await errorOf(ownership({ owner: "no-such-user:root" }, undefined))).message).toContain(
      'no user "no-such-user"',
    )
    expect((await errorOf(ownership({ owner: "root:no-such-group" }, undefined))).code).toBe(
      "owner-unknown",
    )
  })

  test("keeps the group of the file that is there, and its owner where we may", async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, "file")
    writeFileSync(path, "")
    const stats = statSync(path)
    expect(await ownership({}, stats)).toMatchObject({ gid: stats.gid })
    expect(await ownershipIsRight({ mode: "0600" }, stats)).toBe((stats.mode & 0o777) === 0o600)
    expect(
      await ownershipIsRight(
        { mode: `0${(stats.mode & 0o777).toString(8)}`, owner: "4000000:4000000" },
        stats,
      ),
    ).toBe(false)
  })
})
