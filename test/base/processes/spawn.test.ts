import { expect, test } from "bun:test"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pickEnvironment } from "../../../src/base/processes/pick-environment.ts"
import { failureOf, run, safePath } from "../../../src/base/processes/spawn.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const plenty = { timeoutMs: 30_000 }

/** Sets a variable of this process until the test ends. */
function withVariable(name: string, value: string): Disposable {
  const before = process.env[name]
  process.env[name] = value
  return {
    [Symbol.dispose]: () => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    },
  }
}

test("run() gives a program PATH and what is named, and nothing of its own environment", async () => {
  using _ = withVariable("MYCELIUM_TEST_MARKER", "ours")
  const { stdout, code } = await run(["env"], { ...plenty, env: { GREETING: "a b\nc" } })
  expect(code).toBe(0)
  expect(stdout.trimEnd().split("\n").toSorted()).toEqual(["GREETING=a b", `PATH=${safePath}`, "c"])
})

test("run() passes on none of our open files", async () => {
  const { stdout } = await run(["ls", "/proc/self/fd"], plenty)
  // 3 is the folder that ls reads.
  expect(stdout.trim().split("\n")).toEqual(["0", "1", "2", "3"])
})

test("run() makes the program the leader of its own session", async () => {
  const { stdout } = await run(["sh", "-c", "echo $$; cat /proc/$$/stat"], plenty)
  const [pid, stat = ""] = stdout.split("\n")
  expect(
    stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(2, 4),
  ).toEqual([pid ?? "", pid ?? ""])
})

test("run() passes arguments as they are, to no shell", async () => {
  const odd = ["$HOME", "a b", "`id`", "; exit 9", "", "*", "ä\n"]
  const { stdout } = await run(["printf", "%s|", ...odd], plenty)
  expect(stdout).toBe(odd.map((text) => `${text}|`).join(""))
})

test("run() feeds stdin, and lets a program ignore it", async () => {
  expect((await run(["cat"], { ...plenty, stdin: "hello" })).stdout).toBe("hello")
  expect((await run(["cat"], { ...plenty, stdin: Buffer.from([1, 2, 3]) })).stdout).toBe(
    "\u0001\u0002\u0003",
  )
  expect((await run(["cat"], plenty)).stdout).toBe("")
  expect((await run(["true"], { ...plenty, stdin: new Uint8Array(10_000_000) })).code).toBe(0)
})

test("run() keeps the first 64 KiB of each stream and drains the rest", async () => {
  const write = "head -c 50000000 /dev/zero | tr '\\0'"
  const { stdout, stderr, code } = await run(["sh", "-c", `${write} a; ${write} b >&2`], plenty)
  expect(code).toBe(0)
  expect(stdout.length).toBe(65_536)
  expect(stderr.length).toBe(65_536)
  expect(/^a+$/.test(stdout) && /^b+$/.test(stderr)).toBe(true)
})

test("run() loses nothing of a short output, many times over", async () => {
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      run(["sh", "-c", `echo ${index}; echo e${index} >&2; exit 3`], plenty),
    ),
  )
  expect(results.map(({ stdout, stderr, code }) => [stdout, stderr, code])).toEqual(
    results.map((_, index) => [`${index}\n`, `e${index}\n`, 3]),
  )
})

test("run() works in the folder that is named", async () => {
  await using folder = await temporaryFolder()
  expect((await run(["pwd", "-P"], { ...plenty, cwd: folder.path })).stdout).toEndWith(
    folder.path.split("/").at(-1) + "\n",
  )
})

test("run() finds a bare name in the PATH that the program gets, not in ours", async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, "mycelium-test-program"), "#!/bin/sh\necho found\n", {
    mode: 0o755,
  })
  const argv = ["mycelium-test-program"]
  expect((await run(argv, { ...plenty, env: { PATH: `${folder.path}:${safePath}` } })).stdout).toBe(
    "found\n",
  )
  using _ = withVariable("PATH", `${folder.path}:${process.env["PATH"] ?? ""}`)
  expect((await errorOf(run(argv, plenty))).code).toBe("program-missing")
})

test("run() says why a program cannot start, and quotes no argument", async () => {
  await using folder = await temporaryFolder()
  const plain = join(folder.path, "plain")
  await writeFile(plain, "#!/bin/sh\n")
  const orphan = join(folder.path, "orphan")
  await writeFile(orphan, "#!/nowhere/interpreter\n")
  await chmod(orphan, 0o755)
  const cases = [
    {
      argv: ["/nowhere/program", "s3cret"],
      code: "program-missing",
      message: "cannot run /nowhere/program: it does not exist",
    },
    {
      argv: ["no-such-program", "s3cret"],
      code: "program-missing",
      message: "no-such-program is not in the PATH that programs get",
    },
    {
      argv: [orphan, "s3cret"],
      code: "program-missing",
      message: `cannot run ${orphan}: it does not exist`,
    },
    { argv: [plain, "s3cret"], code: "program-failed", message: `cannot run ${plain}: EACCES` },
    {
      argv: ["true", "s3cret\0"],
      code: "program-failed",
      message: "cannot run true: ERR_INVALID_ARG_VALUE",
    },
    { argv: [], code: "program-missing", message: "no program is named" },
  ]
  for (const { argv, code, message } of cases) {
    const error = await errorOf(run(argv, plenty))
    expect([error.code, error.message]).toEqual([code, message])
    expect(Bun.inspect(error)).not.toContain("s3cret")
  }
  const error = await errorOf(run(["true"], { ...plenty, cwd: join(folder.path, "gone") }))
  expect(error.message).toBe(
    `cannot run true: its folder ${join(folder.path, "gone")} does not exist`,
  )
})

test("failureOf() tells how a program ended, never what it said", async () => {
  const message = async (script: string): Promise<string | undefined> =>
    failureOf("hook", await run(["sh", "-c", script], plenty))?.message
  expect(await message("exit 0")).toBeUndefined()
  expect(await message("echo s3cret; echo s3cret >&2; exit 3")).toBe("hook ended with code 3")
  expect(await message("kill -9 $$")).toBe("hook was ended by SIGKILL")
  const late = await run(["sleep", "60"], { timeoutMs: 50 })
  expect(failureOf("hook", late)?.code).toBe("program-timeout")
})

test("pickEnvironment() takes what is named and set", () => {
  const ours: Record<string, string> = { HOME: "/root", LANG: "", PGPASSWORD: "s3cret" }
  expect(pickEnvironment(["HOME", "LANG", "TZ"], (name) => ours[name])).toEqual({
    HOME: "/root",
    LANG: "",
  })
})
