import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { chmod, chown, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { signal } from "../../../src/plugins/restarters/signal.ts"
import { errorOf } from "../../support/error-of.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { isRunning } from "../../support/running.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { until } from "../../support/until.ts"

function send(folder: string, name = "HUP"): Promise<void> {
  return signal
    .open(signal.options.parse({ pid_file: "app.pid", name }), hookReach(folder))
    .restart("m", neverStops())
}

/** A program that notes each signal, and the pid file that names it. */
async function listener(folder: string): Promise<AsyncDisposable & { readonly pid: number }> {
  const traps = ["HUP", "USR1", "USR2", "TERM", "INT"]
    .map((name) => `trap 'echo ${name} >> heard' ${name};`)
    .join(" ")
  const child = Bun.spawn(["sh", "-c", `${traps} touch ready; while :; do sleep 0.02; done`], {
    cwd: folder,
    stdio: ["ignore", "ignore", "ignore"],
  })
  await until("it listens", () => Bun.file(join(folder, "ready")).exists())
  await writeFile(join(folder, "app.pid"), `${child.pid}\n`, { mode: 0o644 })
  return {
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}

test("signal sends the named signal to the process in the pid file", async () => {
  await using folder = await temporaryFolder()
  await using _ = await listener(folder.path)
  const heard = async (): Promise<string> =>
    (await Bun.file(join(folder.path, "heard")).exists())
      ? Bun.file(join(folder.path, "heard")).text()
      : ""
  let expected = ""
  for (const name of ["HUP", "USR1", "USR2"]) {
    await send(folder.path, name)
    expected += `${name}\n`
    await until(`${name} is heard`, async () => (await heard()) === expected)
  }
})

test.each(["TERM", "INT"])("signal %s is over once the process has ended", async (name) => {
  await using folder = await temporaryFolder()
  const ends = "while [ ! -e may-end ]; do sleep 0.02; done; exit 0"
  const child = Bun.spawn(
    ["sh", "-c", `trap 'touch heard; ${ends}' ${name}; touch ready; while :; do sleep 0.02; done`],
    { cwd: folder.path, stdio: ["ignore", "ignore", "ignore"] },
  )
  await until("it listens", () => Bun.file(join(folder.path, "ready")).exists())
  await writeFile(join(folder.path, "app.pid"), `${child.pid}\n`, { mode: 0o644 })
  let isOver = false
  const sent = send(folder.path, name).then(() => (isOver = true))
  await until("it is heard", () => Bun.file(join(folder.path, "heard")).exists())
  expect(isOver).toBe(false)
  await writeFile(join(folder.path, "may-end"), "")
  await sent
  expect(await isRunning(child.pid)).toBe(false)
})

test("signal says of a process that stays after TERM that it has not ended", async () => {
  await using folder = await temporaryFolder()
  await using _ = await listener(folder.path)
  const stop = new AbortController()
  const restarter = signal.open(
    signal.options.parse({ pid_file: "app.pid", name: "TERM" }),
    hookReach(folder.path),
  )
  const restarted = errorOf(restarter.restart("m", stop.signal))
  await until("it is heard", () => Bun.file(join(folder.path, "heard")).exists())
  stop.abort()
  expect((await restarted).message).toContain("has not ended since it was told to")
})

test("signal refuses a pid file that others could write, or that is no pid file", async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, "app.pid")
  await using program = await listener(folder.path)
  for (const mode of [0o664, 0o646]) {
    await chmod(file, mode)
    expect((await errorOf(send(folder.path, "TERM"))).message).toContain("can be written by others")
  }
  await chmod(file, 0o644)
  for (const text of [
    "1\n",
    "0",
    "-1",
    "",
    "12 13",
    "1e3",
    "0x10",
    `${process.pid}`,
    "99999999999",
  ]) {
    await writeFile(file, text)
    const error = await errorOf(send(folder.path, "TERM"))
    expect([error.code, error.message]).toEqual([
      "restart-failed",
      `${file} does not hold the id of a process that may be signalled`,
    ])
  }
  await symlink(file, join(folder.path, "link.pid"))
  const linked = signal.open(
    signal.options.parse({ pid_file: "link.pid", name: "TERM" }),
    hookReach(folder.path),
  )
  expect((await errorOf(linked.restart("m", neverStops()))).code).toBe("file-is-link")
  expect(await isRunning(program.pid)).toBe(true)
  expect(await Bun.file(join(folder.path, "heard")).exists()).toBe(false)
})

// Only root can give a file to another user.
test.skipIf(process.geteuid?.() !== 0)(
  `signal refuses the pid file of a user who could not signal the process${process.geteuid?.() === 0 ? "" : " (skipped: only root can give files away)"}`,
  async () => {
    await using folder = await temporaryFolder()
    await using _ = await listener(folder.path)
    await chown(join(folder.path, "app.pid"), 65_534, 65_534)
    expect((await errorOf(send(folder.path))).message).toContain(
      "belongs to a user who could not signal that process",
    )
    expect(await Bun.file(join(folder.path, "heard")).exists()).toBe(false)
  },
)

test("signal says that a pid file is missing or stale", async () => {
  await using folder = await temporaryFolder()
  expect((await errorOf(send(folder.path))).message).toContain("there is no pid file")
  const gone = Bun.spawn(["true"])
  await gone.exited
  await writeFile(join(folder.path, "app.pid"), `${gone.pid}\n`)
  const error = await errorOf(send(folder.path))
  expect([error.code, error.message]).toEqual([
    "restart-failed",
    `process ${gone.pid} of ${join(folder.path, "app.pid")} does not run`,
  ])
})

test("signal refuses options in one sentence", () => {
  for (const bad of [
    { pid_file: "a", name: "KILL" },
    { pid_file: "", name: "HUP" },
    { name: "HUP" },
    "HUP",
    { pid_file: "a", name: "HUP", x: 1 },
  ]) {
    expect(signal.options.safeParse(bad).success).toBe(false)
  }
  expect(signal.options.safeParse("HUP").error?.issues[0]?.message).toBe(
    "expected { pid_file: path, name: HUP }",
  )
})

test.skipIf(process.getuid?.() !== 0)(
  "signal reaches no process of root through a folder of another user (only root can give one away)",
  async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, "app.pid")
    await using program = await listener(folder.path)
    await chown(folder.path, 4242, 4242)
    for (const mode of [0o755, 0o775, 0o777]) {
      await chmod(folder.path, mode)
      expect((await errorOf(send(folder.path, "TERM"))).code).toBe("pid-file-foreign")
    }
    await chmod(folder.path, 0o755)
    const { inspect } = signal.open(
      signal.options.parse({ pid_file: "app.pid", name: "HUP" }),
      hookReach(folder.path),
    )
    expect((await inspect?.([], neverStops()))?.findings).toMatchObject([
      { code: "pid-file-foreign", severity: "error" },
    ])
    expect(await isRunning(program.pid)).toBe(true)
    // A process of that user gets it, whichever user owns the file.
    const theirs = Bun.spawn(["setpriv", "--reuid=4242", "--clear-groups", "sleep", "60"])
    await until("it is theirs", async () =>
      /^Uid:\s+4242/m.test(readFileSync(`/proc/${theirs.pid}/status`, "utf8")),
    )
    await writeFile(file, `${theirs.pid}\n`)
    await send(folder.path, "TERM")
    await theirs.exited
    expect(theirs.signalCode).toBe("SIGTERM")
  },
)
