import { describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Output } from "../../../src/core/ports.ts"
import { folder as type } from "../../../src/plugins/outputs/folder/index.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { deliver, fresh, knownOf, never, valuesOf } from "./conformance/harness.ts"

function open(folder: string, more: Readonly<Record<string, unknown>> = {}): Output {
  return type.open(
    type.options.parse({ folder: "run", files: { password: "{{ db.password }}" }, ...more }),
    { folder, label: "production" },
  )
}
const problems = (options: unknown): string =>
  (type.options.safeParse(options).error?.issues ?? [])
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("\n")

describe("folder", () => {
  test("writes the exact bytes, without a line end, or with one where it is asked for", async () => {
    await using folder = await temporaryFolder()
    const shows = { ...fresh(), password: "é\n\0x" }
    await deliver(open(folder.path), shows)
    expect(readFileSync(join(folder.path, "run", "password"), "utf8")).toBe("é\n\0x")
    await deliver(open(folder.path, { newline: true }), shows)
    expect(readFileSync(join(folder.path, "run", "password"), "utf8")).toBe("é\n\0x\n")
  })

  test("makes the folder for those who read the files, and no other user", async () => {
    await using folder = await temporaryFolder()
    await deliver(open(folder.path), fresh())
    expect((statSync(join(folder.path, "run")).mode & 0o7777).toString(8)).toBe("700")
    await deliver(open(folder.path, { folder: "shared", mode: "0640" }), fresh())
    expect((statSync(join(folder.path, "shared")).mode & 0o7777).toString(8)).toBe("750")
  })

  test("leaves the other files of the folder alone", async () => {
    await using folder = await temporaryFolder()
    mkdirSync(join(folder.path, "run"))
    writeFileSync(join(folder.path, "run", "theirs"), "x")
    const shows = fresh()
    await deliver(open(folder.path), shows)
    await (await open(folder.path).remove?.(["db"], knownOf(shows), never))?.commit()
    expect(readdirSync(join(folder.path, "run"))).toEqual(["theirs"])
  })

  test("names the files that change, and no others", async () => {
    await using folder = await temporaryFolder()
    const files = { user: "{{ db.user }}", password: "{{ db.password }}" }
    const [old, next] = [fresh(), fresh()]
    await deliver(open(folder.path, { files }), old)
    expect(
      (await open(folder.path, { files }).prepare(valuesOf(next), knownOf(old), never)).changes,
    ).toEqual(["password"])
  })

  test("writes none of its files where one of them is refused", async () => {
    await using folder = await temporaryFolder()
    const files = {
      user: "{{ db.user }}",
      password: "{{ db.password }}",
      key: "{{ key.password }}",
    }
    const old = fresh()
    await deliver(open(folder.path, { files }), old)
    writeFileSync(join(folder.path, "run", "key"), "theirs")
    const error = await errorOf(
      open(folder.path, { files }).prepare(valuesOf(fresh()), knownOf(old), never),
    )
    expect(error.message).toContain("/run: key is not overwritten")
    expect(readdirSync(join(folder.path, "run")).sort()).toEqual(["key", "password", "user"])
    expect(readFileSync(join(folder.path, "run", "password"), "utf8")).toBe(old.password)
  })

  test("knows its files, and refuses a folder that is a link", async () => {
    await using folder = await temporaryFolder()
    expect(
      type.files?.(type.options.parse({ folder: "run/", files: { a: "x", b: "y" } }), "/srv"),
    ).toEqual(["/srv/run/a", "/srv/run/b"])
    mkdirSync(join(folder.path, "real"))
    symlinkSync("real", join(folder.path, "run"))
    expect(
      (await errorOf(open(folder.path).prepare(valuesOf(fresh()), knownOf(), never))).code,
    ).toBe("file-is-link")
    writeFileSync(join(folder.path, "file"), "")
    expect(
      (
        await errorOf(
          open(folder.path, { folder: "file" }).prepare(valuesOf(fresh()), knownOf(), never),
        )
      ).code,
    ).toBe("file-irregular")
  })

  test.each(["", ".", "..", "../x", "a/b", ".hidden", "-x", "a b", "a\nb", "x".repeat(129)])(
    "refuses a file with the name %p",
    (name) => {
      expect(problems({ folder: "run", files: { [name]: "x" } })).toContain("the name of a file")
    },
  )

  test.each([
    [{ folder: "", files: { a: "x" } }, "folder: name the folder"],
    [{ folder: "a", files: {} }, "files: name at least one"],
    [{ folder: "a", files: { a: 5 } }, "files.a: a file is a template"],
    [{ folder: "a", files: { a: "x" }, in_place: true }, "in_place"],
  ])("refuses %j", (options, message) => {
    expect(problems(options)).toContain(message)
  })
})
