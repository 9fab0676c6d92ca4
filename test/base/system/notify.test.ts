import { describe, expect, test } from "bun:test"
import { reloadingLines, serviceManager } from "../../../src/base/system/notify.ts"
import { hasNoNewCode, listenForDatagrams, noNewCode } from "../../support/datagrams.ts"
import { bun, source } from "../../support/running.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

function managerOf(variables: Readonly<Record<string, string>>) {
  return serviceManager((name) => variables[name], 4711)
}

for (const abstract of [false, true]) {
  const kind = abstract ? "an abstract name" : "a path"
  test(`serviceManager() sends to ${kind}, in order, each in one datagram`, async () => {
    await using folder = await temporaryFolder()
    await using manager = await listenForDatagrams(folder.path, { abstract })
    const { tell } = managerOf({ NOTIFY_SOCKET: manager.socket })
    const sent = Array.from({ length: 20 }, (_, index) => tell(`STATUS=${index}`, "WATCHDOG=1"))
    expect(await Promise.all(sent)).toEqual(sent.map(() => true))
    await manager.heard("the last", (text) => text.startsWith("STATUS=19"))
    expect(manager.all()).toEqual(sent.map((_, index) => `STATUS=${index}\nWATCHDOG=1`))
  })

  // Kernels before 6.3 have no such call, and a machine without systemd has no program for it.
  test.skipIf(!hasNoNewCode || Bun.which("systemd-notify") === null)(
    `serviceManager() sends to ${kind} by systemd-notify where no new code may be made`,
    async () => {
      await using folder = await temporaryFolder()
      await using manager = await listenForDatagrams(folder.path, { abstract })
      const script = `
      const { serviceManager } = await import("${source}base/system/notify.ts")
      const { tell } = serviceManager((name) => ({ NOTIFY_SOCKET: process.argv[1] })[name], 1)
      const said = [tell("READY=1", "STATUS=next: production, Sun 29 Nov 03:00 CET"), tell("WATCHDOG=1"), tell("STOPPING=1")]
      console.log(await import("bun:ffi").then(({ dlopen }) => dlopen("libc.so.6", { getpid: { args: [], returns: "i32" } })).then(() => "ffi", () => "no ffi"), ...(await Promise.all(said)))`
      const ran = Bun.spawnSync([...noNewCode, bun, "-e", script, manager.socket])
      expect(ran.stdout.toString().trim()).toBe("no ffi true true true")
      await manager.heard("the last", (text) => text === "STOPPING=1")
      expect(manager.all()).toEqual([
        "READY=1\nSTATUS=next: production, Sun 29 Nov 03:00 CET",
        "WATCHDOG=1",
        "STOPPING=1",
      ])
    },
  )
}

describe("serviceManager(), where it cannot tell anybody", () => {
  test("says so and goes on", async () => {
    await using folder = await temporaryFolder()
    for (const socket of [
      "",
      "relative",
      "/",
      "@",
      `${folder.path}/nobody`,
      `/${"x".repeat(200)}`,
      "vsock:2:1",
    ]) {
      expect(await managerOf({ NOTIFY_SOCKET: socket }).tell("READY=1")).toBe(false)
    }
    expect(await managerOf({}).tell("READY=1")).toBe(false)
  })

  test("waits seconds at most for a manager that does not read", async () => {
    await using folder = await temporaryFolder()
    await using manager = await listenForDatagrams(folder.path, { reads: false })
    const { tell } = managerOf({ NOTIFY_SOCKET: manager.socket })
    let fits = 0
    while (await tell("WATCHDOG=1")) fits++
    expect(fits).toBeGreaterThan(0)
    expect(fits).toBeLessThan(10_000)
  }, 30_000)
})

test("serviceManager() lets no text forge another line", async () => {
  await using folder = await temporaryFolder()
  await using manager = await listenForDatagrams(folder.path)
  await managerOf({ NOTIFY_SOCKET: manager.socket }).tell("STATUS=a\nMAINPID=1\0b")
  await manager.heard("it", () => true)
  expect(manager.all()).toEqual(["STATUS=a MAINPID=1 b"])
})

test("serviceManager() is heard at half of the watchdog's time, where the watchdog means us", () => {
  const beat = (variables: Readonly<Record<string, string>>) =>
    managerOf({ NOTIFY_SOCKET: "/run/x", ...variables }).beatEveryMs
  expect(beat({ WATCHDOG_USEC: "180000000" })).toBe(90_000)
  expect(beat({ WATCHDOG_USEC: "180000000", WATCHDOG_PID: "4711" })).toBe(90_000)
  expect(beat({ WATCHDOG_USEC: "1" })).toBe(1)
  expect(beat({ WATCHDOG_USEC: "180000000", WATCHDOG_PID: "4712" })).toBeUndefined()
  for (const odd of ["", "0", "-1", "1e6", "9".repeat(30)])
    expect(beat({ WATCHDOG_USEC: odd })).toBeUndefined()
  expect(managerOf({ WATCHDOG_USEC: "180000000" }).beatEveryMs).toBeUndefined()
})

test("reloadingLines() names an instant that is not before the request", () => {
  const clock = () =>
    Number(
      Bun.spawnSync([
        "python3",
        "-c",
        "import time; print(time.monotonic_ns() // 1000)",
      ]).stdout.toString(),
    )
  const asked = clock()
  const [first, usec] = reloadingLines()
  expect(first).toBe("RELOADING=1")
  expect(Number(usec?.replace("MONOTONIC_USEC=", ""))).toBeGreaterThanOrEqual(asked)
})
