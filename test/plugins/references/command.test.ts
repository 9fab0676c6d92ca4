import { describe, expect, test } from "bun:test"
import { chmod } from "node:fs/promises"
import { run } from "../../../src/base/processes/spawn.ts"
import type { Reference } from "../../../src/core/ports.ts"
import { readReference } from "../../../src/plugins/references/index.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const env = (name: string): string | undefined =>
  ({ ROTATOR: "from-env\n", EMPTY: "", HOME: "/home/x" })[name]

async function read(reference: Reference, folder: string): Promise<string> {
  return (await readReference(reference, { folder, env, run })).reveal()
}

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

  test("runs none that another user can change", async () => {
    await using folder = await temporaryFolder()
    const [program, ran] = [`${folder.path}/give`, `${folder.path}/ran`]
    await Bun.write(program, `#!/bin/sh\ntouch ${ran}\necho given\n`)
    await chmod(program, 0o777)
    const error = await errorOf(read({ command: ["./give"] }, folder.path))
    expect([error.code, error.message]).toEqual([
      "reference-open",
      expect.stringContaining("it could give a credential of theirs"),
    ])
    expect(await Bun.file(ran).exists()).toBe(false)
    await chmod(program, 0o700)
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
