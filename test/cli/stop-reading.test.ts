import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { closeSync, constants, ftruncateSync, openSync, readFileSync } from "node:fs"
import { binary, type Project, layOut } from "../support/mycelium.ts"
import { until } from "../support/until.ts"

/** What reads something that does not end, or has not begun, ends at the first signal, with one sentence. */

let project: Project
beforeAll(async () => {
  project = await layOut(
    {},
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { key: "generated" },
          outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
        },
      },
    },
  )
  for (const args of [["init"], ["rotate-now", "production", "--new"]])
    expect((await project.mycelium(args)).code).toBe(0)
  expect(Bun.spawnSync(["mkfifo", project.path("pipe")]).exitCode).toBe(0)
})
afterAll(() => project[Symbol.asyncDispose]())

type Child = Bun.Subprocess<"pipe" | "ignore", "pipe", "pipe">

function start(args: readonly string[], stdin: "pipe" | "ignore" = "ignore"): Child {
  return Bun.spawn([binary, ...args], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: [stdin, "pipe", "pipe"],
  })
}

/** From then on a signal is ours to answer. */
function hears({ pid }: Child): boolean {
  const caught =
    /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "0"
  return (BigInt(`0x${caught}`) & (1n << 14n)) !== 0n
}

/**
 * Opens the pipe for writing, which the kernel allows as soon as a process opens it for reading; and
 * says nothing.
 */
async function silentWriter(): Promise<Disposable> {
  let file = -1
  await until("the pipe to be opened", () => {
    try {
      file = openSync(project.path("pipe"), constants.O_WRONLY | constants.O_NONBLOCK)
      return true
    } catch {
      return false
    }
  })
  return { [Symbol.dispose]: () => closeSync(file) }
}

async function expectStopped(
  child: Child,
  signal: "SIGTERM" | "SIGINT",
  message: RegExp,
): Promise<void> {
  child.kill(signal)
  const [said] = await Promise.all([child.stderr.text(), child.exited])
  expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: 1, signal: null })
  expect(said.trim()).toMatch(new RegExp(`^mycelium: ${message.source}$`))
}

const readers = [
  ["rotate-now --exposed-in", ["rotate-now", "--exposed-in"], "; nothing was rotated"],
  ["adopt --from", ["adopt", "production", "--from"], "; nothing was adopted"],
  ["audit verify --heads", ["audit", "verify", "--heads"], ""],
] as const

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test.each(readers)(
    "ends %s of a pipe without a writer, or before it is opened",
    async (_, args, unchanged) => {
      const child = start([...args, "pipe"])
      await until("it to hear signals", () => hears(child))
      child.kill(signal)
      const [said] = await Promise.all([child.stderr.text(), child.exited])
      expect(child.exitCode).toBe(1)
      expect(said).toMatch(/^mycelium: interrupted[^\n]*\n$/)
      expect(said.includes(unchanged) || said.includes("before it was done")).toBe(true)
    },
  )

  test.each(readers)("ends %s of a pipe whose writer is silent", async (name, args, unchanged) => {
    const child = start([...args, "pipe"])
    using _ = await silentWriter()
    const message = name.startsWith("audit")
      ? /interrupted before it was done/
      : new RegExp(`interrupted (while pipe was read|before the text was searched)${unchanged}`)
    await expectStopped(child, signal, message)
  })

  test.each(readers.slice(0, 2))("ends %s of an open stdin", async (_, args, unchanged) => {
    const child = start([...args, "-"], "pipe")
    await until("it to hear signals", () => hears(child))
    child.kill(signal)
    const [said] = await Promise.all([child.stderr.text(), child.exited])
    expect(child.exitCode).toBe(1)
    expect(said).toMatch(/^mycelium: interrupted[^\n]*\n$/)
    expect(said).toContain(unchanged)
  })

  test("ends the search of a file that is a terabyte of nothing", async () => {
    const file = openSync(project.path("sparse"), "w")
    ftruncateSync(file, 2 ** 40)
    closeSync(file)
    const reads = (): number => readFileSync(project.auditPath(), "utf8").split("exposed-in").length
    const before = reads()
    const child = start(["rotate-now", "--exposed-in", "sparse"])
    await until("the search to begin", () => reads() > before)
    await expectStopped(child, signal, /interrupted while sparse was read; nothing was rotated/)
  })
})

test.each(readers)("%s takes no device and no folder", async (_, args) => {
  for (const [file, message] of [
    ["/dev/zero", "neither a file nor a pipe"],
    ["/dev/null", "neither a file nor a pipe"],
    [".", "a folder"],
  ] as const) {
    const { code, stderr } = await project.mycelium([...args, file], { withinMs: 20_000 })
    expect(stderr).toContain(args[0] === "adopt" ? file : `${file} is ${message}`)
    expect(code).toBe(args[0] === "adopt" ? 1 : 2)
  }
})

test("a pipe is searched to its end", async () => {
  const child = start(["rotate-now", "--exposed-in", "pipe", "--dry-run"])
  await Bun.spawn(["sh", "-c", "cat .env > pipe"], { cwd: project.folder }).exited
  const [said] = await Promise.all([child.stderr.text(), child.exited])
  expect(said).toContain("exposed   production/key")
  expect(child.exitCode).toBe(0)
})
