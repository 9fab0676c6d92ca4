import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { command } from "../../../src/plugins/restarters/command.ts"
import { errorOf } from "../../support/error-of.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

function open(options: unknown, folder: string, env: Readonly<Record<string, string>> = {}) {
  return command.open(command.options.parse(options), hookReach(folder, env))
}

test("command runs a list in the config's folder, marked, with an environment of its own", async () => {
  await using folder = await temporaryFolder()
  const hook = open(["/bin/sh", "-c", "pwd -P > out; env >> out"], folder.path, {
    HOME: "/home/x",
    TZ: "UTC",
    PGPASSWORD: "s3cret",
  })
  expect(hook.label).toBe("command /bin/sh")
  await hook.restart("set-1/api", neverStops())
  const lines = (await Bun.file(join(folder.path, "out")).text()).trimEnd().split("\n")
  expect(lines[0]).toEndWith(folder.path.split("/").at(-1) ?? "?")
  const names = lines
    .slice(1)
    .map((line) => line.slice(0, line.indexOf("=")))
    .toSorted()
  // PWD and its like are the shell's own.
  expect(names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name))).toEqual([
    "HOME",
    "MYCELIUM_RUN",
    "PATH",
    "TZ",
  ])
  expect(lines).toContain("MYCELIUM_RUN=set-1/api")
})

test("command finds a relative path from the config's folder", async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, "hook"), '#!/bin/sh\necho "$1" > out\n', { mode: 0o755 })
  await open({ run: ["./hook", "$HOME; x"] }, folder.path).restart("m", neverStops())
  expect(await Bun.file(join(folder.path, "out")).text()).toBe("$HOME; x\n")
})

test("command uses a shell only where told so", async () => {
  await using folder = await temporaryFolder()
  const hook = open({ run: "echo a | tr a b > out", shell: true }, folder.path)
  expect(hook.label).toBe("command a shell line")
  await hook.restart("m", neverStops())
  expect(await Bun.file(join(folder.path, "out")).text()).toBe("b\n")
})

test("command reports an exit code and never the output", async () => {
  await using folder = await temporaryFolder()
  const error = await errorOf(
    open(["/bin/sh", "-c", "echo s3cret >&2; exit 7", "s3cret"], folder.path).restart(
      "m",
      neverStops(),
    ),
  )
  expect([error.code, error.message]).toEqual(["restart-failed", "/bin/sh ended with code 7"])
  expect(Bun.inspect(error)).not.toContain("s3cret")
  expect((await errorOf(open(["./gone"], folder.path).restart("m", neverStops()))).code).toBe(
    "program-missing",
  )
})

test("command ends its program when asked to stop", async () => {
  await using folder = await temporaryFolder()
  const error = await errorOf(
    open(["sleep", "600"], folder.path).restart("m", AbortSignal.timeout(50)),
  )
  expect(error.code).toBe("program-timeout")
})

test("command refuses options that are no command, without quoting them", () => {
  const bad = [
    [],
    [""],
    ["-x"],
    "restart s3cret",
    { run: "s3cret x" },
    { run: ["a"], shell: true },
    { run: "x", shell: "s3cret" },
    ["a", 3],
    ["a\0s3cret"],
    { run: ["a"], extra: 1 },
    7,
    null,
  ]
  for (const options of bad) {
    const result = command.options.safeParse(options)
    expect(result.success).toBe(false)
    expect(JSON.stringify(result.error?.issues)).not.toContain("s3cret")
  }
})
