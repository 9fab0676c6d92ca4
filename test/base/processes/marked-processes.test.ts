import { expect, test } from "bun:test"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { hasLateRead } from "../../../src/base/processes/live-marks.ts"
import {
  endMarked,
  findMarked,
  marksThatRun,
  markVariable,
} from "../../../src/base/processes/marked-processes.ts"
import { processes } from "../../../src/base/processes/process-session.ts"
import { run } from "../../../src/base/processes/spawn.ts"
import { bun, endPid, isRunning, pidsIn, source } from "../../support/running.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { until } from "../../support/until.ts"

/** A Mycelium that dies by `kill -9` while its hook runs; gives the hook's pid once it is an orphan. */
async function crashDuring(script: string, mark: string, folder: string): Promise<number> {
  const caller = join(folder, "caller.ts")
  const ready = join(folder, "ready")
  const options = { timeoutMs: 60_000, env: { [markVariable]: mark, READY: ready, FOLDER: folder } }
  await writeFile(
    caller,
    `import { run } from "${source}base/processes/spawn.ts"\n` +
      `await run(["sh", "-c", ${JSON.stringify(script)}], ${JSON.stringify(options)})\n`,
  )
  const ours = Bun.spawn([bun, caller], { stdio: ["ignore", "ignore", "ignore"] })
  await until("the hook is ready", () => Bun.file(ready).exists())
  ours.kill("SIGKILL")
  await ours.exited
  return pidsIn(await readFile(join(folder, "pid"), "utf8"))[0] ?? 0
}

const begin = "echo $$ > $FOLDER/pid;"
const newMark = (): string => `test/${crypto.randomUUID()}`

test("endMarked() ends the hook of a crashed run, with its children", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const pid = await crashDuring(
    `${begin} sleep 600 & echo $! > $FOLDER/child; touch $READY; wait`,
    mark,
    folder.path,
  )
  const child = pidsIn(await readFile(join(folder.path, "child"), "utf8"))[0] ?? 0
  expect([await isRunning(pid), await isRunning(child)]).toEqual([true, true])
  expect(await findMarked(mark)).toEqual([pid])
  expect(await endMarked(mark, { waitMs: 0 })).toBe(true)
  expect([await isRunning(pid), await isRunning(child)]).toEqual([false, false])
})

test("endMarked() kills a hook that does not listen to TERM", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const pid = await crashDuring(
    `${begin} trap '' TERM; touch $READY; while :; do sleep 600; done`,
    mark,
    folder.path,
  )
  expect(await endMarked(mark, { waitMs: 50, graceMs: 200 })).toBe(true)
  expect(await isRunning(pid)).toBe(false)
})

test("endMarked() lets a hook end by itself within its time", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const pid = await crashDuring(
    `${begin} trap '' PIPE; touch $READY; until test -e $FOLDER/go; do sleep 0.02; done; touch $FOLDER/done`,
    mark,
    folder.path,
  )
  const ended = endMarked(mark, { waitMs: 30_000 })
  expect(await isRunning(pid)).toBe(true)
  await writeFile(join(folder.path, "go"), "")
  expect(await ended).toBe(true)
  expect(await Bun.file(join(folder.path, "done")).exists()).toBe(true)
})

test("endMarked() stops waiting when asked, and ends nothing then", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const pid = await crashDuring(`${begin} touch $READY; sleep 600`, mark, folder.path)
  try {
    expect(await endMarked(mark, { waitMs: 30_000, signal: AbortSignal.timeout(50) })).toBe(false)
    expect(await isRunning(pid)).toBe(true)
  } finally {
    await endMarked(mark, { waitMs: 0 })
  }
})

test("endMarked() spares a daemon that a finished hook left", async () => {
  const mark = newMark()
  const result = await run(["sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"], {
    timeoutMs: 20_000,
    env: { [markVariable]: mark },
  })
  const daemon = pidsIn(result.stdout)[0] ?? 0
  try {
    expect(await endMarked(mark, { waitMs: 0 })).toBe(true)
    expect(await isRunning(daemon)).toBe(true)
  } finally {
    endPid(daemon)
  }
})

test("endMarked() takes a mark whole: neither a prefix nor another variable counts", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const pid = await crashDuring(`${begin} touch $READY; sleep 600`, `${mark}/longer`, folder.path)
  try {
    expect(await findMarked(mark)).toEqual([])
    expect(await endMarked(mark, { waitMs: 0 })).toBe(true)
    expect(await isRunning(pid)).toBe(true)
  } finally {
    await endMarked(`${mark}/longer`, { waitMs: 0 })
  }
})

/** Leaders that ignore TERM and carry `mark`. */
async function deafOnes(count: number, mark: string, folder: string): Promise<readonly number[]> {
  const script = `trap '' TERM; touch "$READY"; while :; do sleep 600; done`
  const ready = Array.from({ length: count }, (_, index) => join(folder, `ready-${index}`))
  const pids = ready.map(
    (path) =>
      Bun.spawn(["sh", "-c", script], {
        env: { PATH: "/usr/bin:/bin", [markVariable]: mark, READY: path },
        stdio: ["ignore", "ignore", "ignore"],
        detached: true,
      }).pid,
  )
  for (const path of ready) await until("it ignores TERM", () => Bun.file(path).exists())
  return pids
}

test("endMarked() ends many at once: they share one deadline", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const pids = await deafOnes(6, mark, folder.path)
  const began = performance.now()
  expect(await endMarked(mark, { waitMs: 0, graceMs: 1500 })).toBe(true)
  expect(performance.now() - began).toBeLessThan(6 * 1500)
  expect(await Promise.all(pids.map(isRunning))).toEqual(pids.map(() => false))
})

test("endMarked() heeds its signal while what ignores TERM is still in its grace", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const [pid = 0] = await deafOnes(1, mark, folder.path)
  const stop = new AbortController()
  const ended = endMarked(mark, { waitMs: 0, graceMs: 600_000, signal: stop.signal })
  stop.abort()
  expect(await ended).toBe(false)
  expect(await isRunning(pid)).toBe(true)
  await endMarked(mark, { waitMs: 0, graceMs: 0 })
})

test("a process whose environment is never read to its end delays nothing, is named, and is not taken for gone", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const [pid = 0] = await deafOnes(1, mark, folder.path)
  const held = Promise.withResolvers<string>()
  const asked: number[] = []
  const read = (one: number): Promise<string> => {
    asked.push(one)
    return one === pid ? held.promise : Promise.resolve("")
  }
  const unreadable = { code: "process-unreadable", message: expect.stringContaining(`${pid} of`) }
  await expect(endMarked(mark, { waitMs: 0, read, readMs: 50 })).rejects.toMatchObject(unreadable)
  expect(hasLateRead()).toBe(true)
  // As long as that read is under way no thread is given to another one.
  const before = asked.length
  await expect(marksThatRun(() => true, { read, readMs: 600_000 })).rejects.toMatchObject(
    unreadable,
  )
  expect(asked).toHaveLength(before)
  held.resolve(`${markVariable}=${mark}`)
  await until("the read to be over", () => !hasLateRead())
  expect(await findMarked(mark)).toEqual([pid])
  await endMarked(mark, { waitMs: 0, graceMs: 0 })
})

test("what began before the run that is looked for is not even read", async () => {
  await using folder = await temporaryFolder()
  const mark = newMark()
  const [pid = 0] = await deafOnes(1, mark, folder.path)
  const startedAt = (await processes()).find((one) => one.pid === pid)?.startedAt ?? 0
  const asked: number[] = []
  const read = (one: number): Promise<string> => {
    asked.push(one)
    return Promise.resolve("")
  }
  await endMarked(mark, { waitMs: 0, since: startedAt + 1, read })
  expect(asked).not.toContain(pid)
  await endMarked(mark, { waitMs: 0, since: startedAt, read })
  expect(asked).toContain(pid)
  expect(asked).not.toContain(process.pid)
  await endMarked(mark, { waitMs: 0, graceMs: 0 })
})

test.skipIf(process.geteuid?.() !== 0)(
  "a program that has given up root is found, and only by root",
  async () => {
    const mark = newMark()
    const child = Bun.spawn(
      ["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", "sleep 600"],
      {
        env: { PATH: "/usr/bin:/bin", [markVariable]: mark },
        stdio: ["ignore", "ignore", "ignore"],
        detached: true,
      },
    )
    await until("it to be found", async () => (await findMarked(mark)).includes(child.pid))
    expect(await endMarked(mark, { waitMs: 0 })).toBe(true)
    await child.exited
  },
)
