import { describe, expect, test } from "bun:test"
import { chmod, mkdir, symlink } from "node:fs/promises"
import { run } from "../../../src/base/processes/spawn.ts"
import {
  findingsOf,
  readReference,
  ReferenceOptions,
} from "../../../src/plugins/references/index.ts"
import type { Reference } from "../../../src/core/ports.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const env = (name: string): string | undefined =>
  ({ ROTATOR: "from-env\n", EMPTY: "", HOME: "/home/x" })[name]

async function read(reference: Reference, folder: string): Promise<string> {
  return (await readReference(reference, { folder, env, run })).reveal()
}

describe("ReferenceOptions", () => {
  test.each([[{ file: "/run/x" }], [{ env: "ROTATOR" }], [{ command: ["pass", "show"] }]])(
    "takes %p",
    (reference) => {
      expect<unknown>(ReferenceOptions().parse(reference)).toEqual(reference)
    },
  )

  test.each([
    ["hunter2"],
    [{}],
    [{ file: "a", env: "B" }],
    [{ text: "hunter2" }],
    [{ hunter2: null }],
    [null],
    [7],
    [["hunter2"]],
  ])("says of %p that a credential comes by reference", (input) => {
    const messages = ReferenceOptions()
      .safeParse(input)
      .error?.issues.map(({ message }) => message)
    expect(messages).toEqual([
      "a credential comes by reference, never as text: { file: … }, { env: … } or { command: [ … ] }",
    ])
  })

  test.each([[{ file: 3 }], [{ env: "A B" }], [{ command: "pass show" }], [{ command: [] }]])(
    "refuses %p",
    (input) => {
      expect(ReferenceOptions().safeParse(input).success).toBe(false)
    },
  )
})

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

describe("readReference() of a variable", () => {
  test("reads it", async () => {
    expect(await read({ env: "ROTATOR" }, "/")).toBe("from-env")
  })

  test("names one that is missing or empty", async () => {
    const missing = await errorOf(read({ env: "NOWHERE" }, "/"))
    expect([missing.code, missing.message]).toEqual([
      "reference-missing",
      "the variable NOWHERE is not set",
    ])
    expect((await errorOf(read({ env: "EMPTY" }, "/"))).code).toBe("reference-empty")
  })
})

describe("readReference() of a command", () => {
  test("takes its output, with HOME and PATH and nothing else of ours", async () => {
    await using folder = await temporaryFolder()
    expect(await read({ command: ["sh", "-c", 'echo "$HOME $ROTATOR|$PWD"'] }, folder.path)).toBe(
      `/home/x |${folder.path}`,
    )
  })

  test("finds a relative program beside the config", async () => {
    await using folder = await temporaryFolder()
    await Bun.write(`${folder.path}/give`, "#!/bin/sh\necho given\n")
    await chmod(`${folder.path}/give`, 0o700)
    expect(await read({ command: ["./give"] }, folder.path)).toBe("given")
  })

  test("says that it failed, never what it said", async () => {
    const error = await errorOf(
      read({ command: ["sh", "-c", "echo hunter2; echo hunter2 >&2; exit 3"] }, "/"),
    )
    expect(Bun.inspect(error)).not.toContain("hunter2;")
    expect([error.code, error.message]).toEqual(["program-failed", "sh ended with code 3"])
    expect((await errorOf(read({ command: ["/no/such"] }, "/"))).code).toBe("program-missing")
  })
})

test("readReference() labels its Secret", async () => {
  const secret = await readReference(
    { env: "ROTATOR" },
    { folder: "/", env, run, label: "production/postgres admin" },
  )
  expect(String(secret)).toBe("<secret:production/postgres admin>")
})
