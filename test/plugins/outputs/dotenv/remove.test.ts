import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { IssuedVersions, Values } from "../../../../src/core/ports.ts"
import { errorOf } from "../../../support/error-of.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { credential, db, deliver, issued, modeOf, never, opened, put, text } from "./opened.ts"

/** What stands there, and what is left without PASSWORD; undefined: no file. */
const merged: readonly (readonly [reader: string, before: string, after: string | undefined])[] = [
  ["compose", "A=1\nPASSWORD=old\nB=2\n", "A=1\nB=2\n"],
  ["compose", "PASSWORD=old\nB=2\n", "B=2\n"],
  ["compose", "A=1\nPASSWORD=old", "A=1\n"],
  ["compose", "A=1\r\n  export PASSWORD = 'old'  # the main one\r\nB=2\r\n", "A=1\r\nB=2\r\n"],
  ["compose", "\u00ef\u00bb\u00bfPASSWORD=old\nA=\u00ff\n", "\u00ef\u00bb\u00bfA=\u00ff\n"],
  ["compose", "# PASSWORD=commented\nPASSWORD=old\n", "# PASSWORD=commented\n"],
  ["compose", 'A="x\nPASSWORD=inside\n"\nPASSWORD=old\n', 'A="x\nPASSWORD=inside\n"\n'],
  ["compose", "PASSWORD=\nA=1\n", "A=1\n"],
  ["compose", "A=1\n", "A=1\n"],
  ["compose", "PASSWORD=old\n\n", "\n"],
  ["docker", "  PASSWORD=old\nA=1\n", "A=1\n"],
  ["systemd", "; c\nPASSWORD = old \nA=b # c\n", "; c\nA=b # c\n"],
  ["shell", "set -a\nexport PASSWORD=old # c\n. ./more\n", "set -a\n. ./more\n"],
]

describe("dotenv, remove()", () => {
  test.each(merged)("for %s leaves of %j only %j", async (reader, before, after) => {
    await using folder = await temporaryFolder()
    put(folder.path, Buffer.from(before, "latin1"), 0o640)
    const draft = await opened(folder.path, { for: reader, merge: true, mode: "0640" }).remove?.(
      ["db"],
      issued("old"),
      never,
    )
    expect(text(folder.path)).toBe(before)
    await draft?.commit()
    expect(existsSync(join(folder.path, ".env")) ? text(folder.path) : undefined).toBe(after)
    if (after !== undefined) expect(modeOf(folder.path)).toBe("640")
    expect(draft?.changed).toBe(before !== after)
  })

  test("of a file that is ours takes the variables that show it, alone or with others, and the file with its last one", async () => {
    await using folder = await temporaryFolder()
    const output = opened(folder.path, {
      variables: {
        PASSWORD: "{{ db.password }}",
        BOTH: "{{ db.password }}:{{ key.password }}",
        KEY: "{{ key.password }}",
      },
    })
    const values: Values = { ...db("one-value"), key: credential("v1", { password: "its-key" }) }
    await deliver(output, values)
    const from: IssuedVersions = async (name) => [values[name]].filter((one) => one !== undefined)
    const draft = await output.remove?.(["db"], from, never)
    expect(draft?.changes).toEqual(["PASSWORD", "BOTH"])
    await draft?.commit()
    expect(text(folder.path)).toBe("# written by mycelium: production\nKEY=its-key\n")
    await (await output.remove?.(["key"], from, never))?.commit()
    expect(existsSync(join(folder.path, ".env"))).toBe(false)
    expect((await output.remove?.(["key"], from, never))?.changed).toBe(false)
  })

  test.each([
    ["a value that is in no version", "compose", "PASSWORD=somebody's-own\n", "output-drift"],
    ["a line that others share", "shell", "export A=1 PASSWORD=old B=2\n", "output-line-shared"],
    ["a line that does more", "shell", "PASSWORD=old; . ./more\n", "output-line-shared"],
    ["a file that its reader refuses", "compose", 'PASSWORD=old\nA="x\n', "output-unreadable"],
  ])("leaves %s", async (_, reader, before, code) => {
    await using folder = await temporaryFolder()
    put(folder.path, before)
    const error = await errorOf(
      opened(folder.path, { for: reader, merge: true }).remove?.(["db"], issued("old"), never) ??
        Promise.resolve(),
    )
    expect(error.code).toBe(code)
    expect(error.message + (error.hint ?? "")).not.toContain("somebody's-own")
    expect(text(folder.path)).toBe(before)
  })
})
