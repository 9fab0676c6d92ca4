import { expect, test } from "bun:test"
import { stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type RunResult, run } from "../../../src/base/processes/spawn.ts"
import { bun, endPid, isRunning, pidsIn, source } from "../../support/running.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { until } from "../../support/until.ts"

/** How programs are ended, and which are not. */

async function noneRuns(pids: readonly number[]): Promise<void> {
  expect(pids.length).toBeGreaterThan(0)
  for (const pid of pids) expect(await isRunning(pid)).toBe(false)
}

/**
 * Runs a script, aborts once it has made the file $READY, and gives the result with the pids that
 * it wrote.
 */
async function abortWhenReady(
  script: string,
): Promise<RunResult & { readonly pids: readonly number[] }> {
  await using folder = await temporaryFolder()
  const ready = join(folder.path, "ready")
  const stop = new AbortController()
  const running = run(["sh", "-c", script], {
    timeoutMs: 60_000,
    graceMs: 300,
    signal: stop.signal,
    env: { READY: ready },
  })
  await until("the script is ready", () => Bun.file(ready).exists())
  stop.abort()
  const result = await running
  expect([result.aborted, result.timedOut]).toEqual([true, false])
  return { ...result, pids: pidsIn(result.stdout) }
}

test("run() ends a program that takes too long, with its children and theirs", async () => {
  const result = await run(
    ["sh", "-c", "echo $$; sh -c 'echo $$; sleep 600 & echo $!; wait' & wait"],
    { timeoutMs: 1000 },
  )
  expect([result.code, result.signal, result.timedOut, result.aborted]).toEqual([
    undefined,
    "SIGTERM",
    true,
    false,
  ])
  expect(pidsIn(result.stdout).length).toBe(3)
  await noneRuns(pidsIn(result.stdout))
})

test("run() ends children that took a group of their own, as coreutils' timeout does", async () => {
  const result = await abortWhenReady("timeout 600 sh -c 'echo $$; touch $READY; sleep 600' & wait")
  await noneRuns(result.pids)
})

test("run() kills what does not listen to TERM", async () => {
  const result = await abortWhenReady(
    "trap '' TERM; echo $$; sleep 600 & echo $!; touch $READY; while :; do sleep 600; done",
  )
  expect(result.signal).toBe("SIGKILL")
  await noneRuns(result.pids)
})

test("run() kills children that outlive their parent's TERM", async () => {
  const result = await abortWhenReady(
    "(trap '' TERM; touch $READY; while :; do sleep 600; done) & echo $!; wait",
  )
  expect(result.signal).toBe("SIGTERM")
  await noneRuns(result.pids)
})

test("run() reports that it ended a program even where that ends well on TERM", async () => {
  const result = await abortWhenReady("trap 'exit 0' TERM; touch $READY; sleep 600 & wait")
  expect(result.code).toBe(0)
})

test("run() starts nothing once its signal has aborted", async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, "started")
  expect(
    (await run(["touch", file], { timeoutMs: 1000, signal: AbortSignal.abort() })).aborted,
  ).toBe(true)
  expect(await Bun.file(file).exists()).toBe(false)
})

test("run() ends a program whose signal aborts while it is being started", async () => {
  const stop = new AbortController()
  const running = run(["sleep", "600"], { timeoutMs: 60_000, signal: stop.signal })
  stop.abort()
  const result = await running
  expect([result.aborted, result.signal]).toEqual([true, "SIGTERM"])
})

/** Writes to stdout and to a file for as long as it lives: dies of a broken pipe if its output is closed. */
function daemonScript(file: string): string {
  return `(while :; do echo tick || exit; echo tick >> ${file}; sleep 0.02; done) & echo $!; exit 0`
}

test("run() does not wait for a daemon that holds the output, and leaves it alive", async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, "ticks")
  const stop = new AbortController()
  const result = await run(["sh", "-c", daemonScript(file)], {
    timeoutMs: 1500,
    signal: stop.signal,
  })
  const pid = pidsIn(result.stdout)[0] ?? 0
  try {
    expect([result.code, result.timedOut]).toEqual([0, false])
    // Neither the deadline nor an abort reaches it any more, and its output goes on being read.
    stop.abort()
    const size = async (): Promise<number> => (await stat(file)).size
    const before = await size()
    await until("it ticks on", async () => (await size()) > before + 500)
    expect(await isRunning(pid)).toBe(true)
  } finally {
    endPid(pid)
  }
})

test("run() does not keep our process alive for a daemon's sake", async () => {
  await using folder = await temporaryFolder()
  const script = join(folder.path, "caller.ts")
  await writeFile(
    script,
    `import { type RunResult, run } from "${source}base/processes/spawn.ts"\n` +
      `const result = await run(["sh", "-c", "sleep 600 & echo $!"], { timeoutMs: 60_000 })\n` +
      "console.log(result.stdout)\n",
  )
  const result = await run([bun, script], { timeoutMs: 20_000 })
  endPid(pidsIn(result.stdout)[0] ?? 0)
  expect([result.code, result.timedOut, result.stderr]).toEqual([0, false, ""])
})
