import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { bun, source } from "../../support/running.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { until } from "../../support/until.ts"

/** Runs a script, stops it once it has made the file `ready`, for `stopMs`, and gives what it said. */
async function stopped(
  script: string,
  stopMs: number,
  meanwhile: () => Promise<void> | void = () => undefined,
): Promise<string> {
  await using folder = await temporaryFolder()
  const file = join(folder.path, "script.ts")
  const ready = join(folder.path, "ready")
  await writeFile(file, script)
  const child = Bun.spawn([bun, file], {
    env: { READY: ready },
    stdio: ["ignore", "pipe", "inherit"],
  })
  try {
    await until("it is ready", () => Bun.file(ready).exists())
    child.kill("SIGSTOP")
    await meanwhile()
    await Bun.sleep(stopMs)
    child.kill("SIGCONT")
    await child.exited
    return (await child.stdout.text()).trim()
  } finally {
    child.kill("SIGKILL")
  }
}

const ready = `await Bun.write(process.env["READY"], "")\n`

test("within() reads the answer that came while we were stopped before it judges its deadline", async () => {
  let answer: (() => void) | undefined
  const server = createServer((socket) => {
    socket.on("error", () => undefined)
    answer = () => void socket.write("yes")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  try {
    const said = await stopped(
      `import { connect } from "node:net"
       import { within } from "${source}base/deadline.ts"
       const answer = new Promise((resolve) => {
         const socket = connect(${port}, "127.0.0.1", () => void Bun.write(process.env["READY"], ""))
         socket.once("data", (data) => { resolve(String(data)); socket.destroy() })
       })
       console.log(await within(2000, () => answer).catch((error) => error.code))
       process.exit(0)`,
      4000,
      () => until("it has called", () => answer !== undefined).then(() => answer?.()),
    )
    expect(said).toBe("yes")
  } finally {
    server.close()
  }
}, 30_000)

test("countDown() counts no time in which we were stopped, and comes to its end all the same", async () => {
  const said = await stopped(
    `import { countDown } from "${source}base/processes/run-time.ts"
     const began = performance.now()
     ${ready}
     await new Promise((resolve) => countDown(2000, resolve))
     console.log(Math.round(performance.now() - began))`,
    4000,
  )
  // The stop, and what was left: all but the moment before it.
  expect(Number(said)).toBeGreaterThan(5000)
  expect(Number(said)).toBeLessThan(8000)
}, 30_000)

test("countDown() is punctual if no process is stopped", async () => {
  const { countDown } = await import("../../../src/base/processes/run-time.ts")
  const began = performance.now()
  await new Promise<void>((resolve) => void countDown(600, resolve))
  expect(performance.now() - began).toBeGreaterThanOrEqual(599)
  expect(performance.now() - began).toBeLessThan(1500)
  let over = false
  countDown(20, () => void (over = true))()
  await Bun.sleep(60)
  expect(over).toBe(false)
})

test("pauseFor() waits once more where we were stopped meanwhile, and else once", async () => {
  const { pauseFor } = await import("../../../src/base/deadline.ts")
  const { realHost } = await import("../../../src/base/system/host.ts")
  let now = 0
  const pauses: number[] = []
  const host = {
    ...realHost({}),
    monotonicMs: () => now,
    pause: async (ms: number) => void (now += pauses.push(ms) === 1 ? 180_000 : ms),
  }
  await pauseFor(host, 3000, new AbortController().signal)
  expect(pauses).toEqual([3000, 3000])
  await pauseFor(host, 3000, new AbortController().signal)
  expect(pauses).toEqual([3000, 3000, 3000])
})
