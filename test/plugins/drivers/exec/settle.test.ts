import { afterAll, describe, expect, test } from "bun:test"
import { readdir } from "node:fs/promises"
import { findMarked } from "../../../../src/base/processes/marked-processes.ts"
import type { Credential } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { bun, endPid } from "../../../support/running.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { until } from "../../../support/until.ts"
import { open } from "./harness.ts"
import { runId } from "../conformance/harness.ts"
import { KeyService } from "./key-service.ts"

const mark = `exec production/main#${runId}`
const current: Credential = {
  version: "v1",
  fields: { password: new Secret("password", "old-value") },
}
const next: Credential = {
  version: "v2",
  fields: { password: new Secret("password", "new-value") },
}
const versions = { current, pending: next, uncertain: [] }
const soon = (ms = 15_000): AbortSignal => AbortSignal.timeout(ms)

afterAll(async () => {
  for (const pid of await findMarked(mark)) endPid(pid)
})

/** A Mycelium of its own that is killed once its program has read what it was told. */
async function killedInApply(env: Readonly<Record<string, string>>): Promise<void> {
  await using folder = await temporaryFolder()
  const harness = new URL("harness.ts", import.meta.url).pathname
  const secret = new URL("../../../../src/core/secret.ts", import.meta.url).pathname
  const script = `
    import { open } from ${JSON.stringify(harness)}
    import { Secret } from ${JSON.stringify(secret)}
    const next = { version: "v2", fields: { password: new Secret("password", "new-value") } }
    await open({ env: ${JSON.stringify({ ...env, NOTE: folder.path })} }).apply(next, { pending: next, uncertain: [] }, AbortSignal.timeout(60_000))`
  const child = Bun.spawn([bun, "-e", script], {
    env: { ...process.env, TEST_RUN_ID: runId },
    stdio: ["ignore", "inherit", "inherit"],
  })
  await until("the program has its document", async () => (await readdir(folder.path)).length === 1)
  child.kill("SIGKILL")
  await child.exited
}

describe("exec, settle", () => {
  test("ends the program that a killed run left, even if it ignores signals", async () => {
    await killedInApply({ ODD: "deaf" })
    expect(await findMarked(mark)).toHaveLength(1)
    expect(await open().settle([next, current], soon())).toBe(true)
    expect(await findMarked(mark)).toEqual([])
  }, 30_000)

  test("lets a program that is about to end do so by itself, and apply never runs beside it", async () => {
    await using service = await KeyService.start(1)
    service.hang()
    await killedInApply({ SERVICE: service.url })
    const applied = open({ env: { SERVICE: service.url } }).apply(next, versions, soon())
    await service.resume()
    await applied
    expect(service.log).toEqual(["set app", "set app"])
    expect(await findMarked(mark)).toEqual([])
  }, 30_000)

  test("waits as long as the program says, or the config if that is longer, counted from when none of our programs ran any more", async () => {
    const driver = open({ settle: "300ms", env: { SETTLE: "1" } })
    const began = performance.now()
    expect(await driver.settle([current], soon(400))).toBe(false)
    expect(await driver.settle([current], soon())).toBe(true)
    const took = performance.now() - began
    expect(took).toBeGreaterThanOrEqual(1000)
    expect(took).toBeLessThan(2500)
    const again = performance.now()
    expect(await driver.settle([current], soon())).toBe(true)
    expect(performance.now() - again).toBeLessThan(500)
    expect(await open({ settle: "60s", env: { SETTLE: "0" } }).settle([current], soon(300))).toBe(
      false,
    )
  })

  test("begins anew after a call that did not end well, and does not after one that did", async () => {
    await using service = await KeyService.start(1)
    const env = { SERVICE: service.url, SETTLE: "1" }
    const driver = open({ env })
    await driver.settle([current], soon())
    await driver.apply(next, versions, soon())
    const quick = performance.now()
    await driver.settle([next, current], soon())
    expect(performance.now() - quick).toBeLessThan(500)
    await service.stop()
    await driver.apply(next, versions, soon()).catch(() => undefined)
    const slow = performance.now()
    await driver.settle([next, current], soon())
    expect(performance.now() - slow).toBeGreaterThan(900)
  })

  test("does not hold where the program itself cannot be asked", async () => {
    await expect(
      open({ command: ["/nowhere/key"] }).settle([current], soon()),
    ).rejects.toMatchObject({ code: "program-missing" })
  })
})
