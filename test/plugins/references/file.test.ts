import { describe, expect, test } from "bun:test"
import { chmod, mkdir, symlink } from "node:fs/promises"
import { run } from "../../../src/base/processes/spawn.ts"
import type { Reference } from "../../../src/core/ports.ts"
import { findingsOf, readReference } from "../../../src/plugins/references/index.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const env = (name: string): string | undefined =>
  ({ ROTATOR: "from-env\n", EMPTY: "", HOME: "/home/x" })[name]

async function read(reference: Reference, folder: string): Promise<string> {
  return (await readReference(reference, { folder, env, run })).reveal()
}

describe("readReference() of a file", () => {
  test("drops one line end, and no more", async () => {
    await using folder = await temporaryFolder()
    for (const [text, value] of [
      ["a b ", "a b "],
      ["x\n", "x"],
      ["x\r\n", "x"],
      ["x\n\n", "x\n"],
      ["a\nb\n", "a\nb"],
    ] as const) {
      await Bun.write(`${folder.path}/secret`, text)
      expect(await read({ file: "secret" }, folder.path)).toBe(value)
    }
  })

  test("follows links, for Kubernetes mounts secrets as links", async () => {
    await using folder = await temporaryFolder()
    await mkdir(`${folder.path}/..data`)
    await Bun.write(`${folder.path}/..data/token`, "x")
    await symlink("..data/token", `${folder.path}/token`)
    expect(await read({ file: "token" }, folder.path)).toBe("x")
  })

  test("names a file that is missing", async () => {
    await using folder = await temporaryFolder()
    const error = await errorOf(read({ file: "secret" }, folder.path))
    expect([error.code, error.message]).toEqual([
      "reference-missing",
      `there is no file ${folder.path}/secret`,
    ])
  })

  test("refuses what is empty, no text, no file, or too large", async () => {
    await using folder = await temporaryFolder()
    const codes = []
    for (const bytes of ["\n", "a\0b", new Uint8Array([0xff, 0xfe]), "x".repeat(70_000)]) {
      await Bun.write(`${folder.path}/secret`, bytes)
      codes.push((await errorOf(read({ file: "secret" }, folder.path))).code)
    }
    codes.push((await errorOf(read({ file: "." }, folder.path))).code)
    expect(codes).toEqual([
      "reference-empty",
      "reference-not-text",
      "reference-not-text",
      "file-too-large",
      "file-irregular",
    ])
  })

  test("refuses a file that everybody can write, and reports one that everybody can read", async () => {
    await using folder = await temporaryFolder()
    const path = `${folder.path}/secret`
    await Bun.write(path, "x")
    await chmod(path, 0o600)
    expect(await findingsOf({ file: path }, { folder: "/" })).toEqual([])
    await chmod(path, 0o644)
    expect(await read({ file: path }, "/")).toBe("x")
    expect(await findingsOf({ file: path }, { folder: "/" })).toMatchObject([
      { code: "reference-open", severity: "warning" },
    ])
    await chmod(path, 0o602)
    expect((await errorOf(read({ file: path }, "/"))).code).toBe("reference-open")
  })
})
