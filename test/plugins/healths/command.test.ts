import { expect, test } from "bun:test"
import { join } from "node:path"
import { command } from "../../../src/plugins/healths/command.ts"
import { errorOf } from "../../support/error-of.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

function ask(
  options: unknown,
  folder: string,
  signal: AbortSignal = neverStops(),
): Promise<true | string> {
  return command
    .open(command.options.parse(options), hookReach(folder, { HOME: "/home/x", TOKEN: "s3cret" }))
    .healthy(signal)
}

test("command is healthy with exit code 0, and says the code otherwise, never the output", async () => {
  await using folder = await temporaryFolder()
  expect(await ask(["true"], folder.path)).toBe(true)
  expect(await ask(["sh", "-c", "echo s3cret; echo s3cret >&2; exit 3"], folder.path)).toBe(
    "sh ended with code 3",
  )
  expect(
    await ask(
      { run: 'test -n "$HOME" && test -z "$TOKEN" && touch here', shell: true },
      folder.path,
    ),
  ).toBe(true)
  expect(await Bun.file(join(folder.path, "here")).exists()).toBe(true)
})

test("command ends with its signal, and its program with it", async () => {
  await using folder = await temporaryFolder()
  expect(await ask(["sleep", "600"], folder.path, AbortSignal.timeout(50))).toBe(
    "sleep was ended before it was done",
  )
})

test("command says that its program is missing", async () => {
  expect((await errorOf(ask(["./gone"], "/nowhere"))).code).toBe("program-missing")
})
