import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Host } from "../../../src/base/system/host.ts"
import { demandLock } from "../../../src/base/files/lock-wanted.ts"
import { lockHolder } from "../../../src/base/files/lock-holder.ts"
import { bun, source } from "../../support/running.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { until } from "../../support/until.ts"

/**
 * A process that takes the lock again and again, and says what it was told: "held", or by whom
 * another holds it.
 */
const contender = `
import { takeLock } from ${JSON.stringify(join(source, "base/files/lock.ts"))}
const [path, name, rounds] = process.argv.slice(1)
const told = []
for (let round = 0; round < Number(rounds); round++) {
  const lock = await takeLock(path, name)
  told.push("heldBy" in lock ? lock.heldBy : "held")
  if ("release" in lock) lock.release()
}
console.log(JSON.stringify(told))
`

test("takeLock() names the holder to everyone whom it refuses, also while the lock goes from hand to hand", async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "production.lock")
  const children = ["first", "second", "third"].map((name) =>
    Bun.spawn([bun, "-e", contender, path, name, "200"], { stdio: ["ignore", "pipe", "inherit"] }),
  )
  const told = (await Promise.all(children.map((child) => child.stdout.text()))).flatMap(
    (text) => JSON.parse(text) as readonly string[],
  )
  expect(told).toHaveLength(600)
  expect(told.filter((one) => !["held", "first", "second", "third"].includes(one))).toEqual([])
  expect(told.filter((one) => one === "held").length).toBeGreaterThan(100)
})

/** Takes the lock, says so, and keeps it. */
const keeper = `
import { takeLock } from ${JSON.stringify(join(source, "base/files/lock.ts"))}
const lock = await takeLock(process.argv[1], "the keeper")
console.log("held")
setInterval(() => lock.release.length, 1000)
`

/** Held by another process: `stopped` by SIGSTOP, or at work. */
async function held(
  path: string,
): Promise<
  AsyncDisposable & { readonly pid: number; readonly kill: (signal: NodeJS.Signals) => void }
> {
  const child = Bun.spawn([bun, "-e", keeper, path], { stdio: ["ignore", "pipe", "inherit"] })
  const { value } = await child.stdout.getReader().read()
  if (
    !Buffer.from(value ?? [])
      .toString()
      .includes("held")
  )
    throw new Error("not held")
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}

test("demandLock() tells at once, after half a minute, and each minute from then on, who still holds it", async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "production.lock")
  await using keeps = await held(path)
  keeps.kill("SIGSTOP")
  let ms = 0
  const stop = new AbortController()
  const host: Host = {
    now: () => new Date(),
    monotonicMs: () => ms,
    random: (count) => new Uint8Array(count),
    env: () => undefined,
    // Seconds pass in no time.
    pause: async () => {
      ms += 1000
      if (ms > 170_000) stop.abort()
    },
  }
  const told: (readonly [string, number])[] = []
  expect(
    await demandLock(path, {
      holder: "another",
      host,
      stop: stop.signal,
      told: (heldBy, waitedMs) => void told.push([heldBy, waitedMs]),
    }),
  ).toEqual({ heldBy: "the keeper" })
  expect(told).toEqual([0, 30_000, 90_000, 150_000].map((at) => ["the keeper", at]))
}, 60_000)

test("lockHolder() says which process it is and whether it is stopped, by what the system says", async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "production.lock")
  await using keeps = await held(path)
  expect(lockHolder(path)).toEqual({ pid: keeps.pid, kind: "running" })
  keeps.kill("SIGSTOP")
  await until("it is stopped", () =>
    readFileSync(`/proc/${keeps.pid}/stat`, "utf8").includes(") T "),
  )
  expect(lockHolder(path)).toEqual({ pid: keeps.pid, kind: "stopped" })
  keeps.kill("SIGCONT")
  await until("it goes on", () => !readFileSync(`/proc/${keeps.pid}/stat`, "utf8").includes(") T "))
  expect(lockHolder(path)?.kind).not.toBe("stopped")
  keeps.kill("SIGKILL")
  await until("it is gone", () => lockHolder(path) === undefined)
  expect(lockHolder(path, folder.path)).toBeUndefined()
})
