import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { takeLock } from "../../src/base/files/lock.ts"
import { binary, layOut } from "../support/mycelium.ts"
import { until } from "../support/until.ts"

test("rekey, asked to stop, begins no other environment, names what is left, and the same command finishes it", async () => {
  const environment = { rotate_every: "90d", secrets: { key: "generated" } }
  await using project = await layOut(
    {},
    { project: "shop", environments: { production: environment, staging: environment } },
  )
  for (const args of [["init"], ["rotate-now", "--all", "--new"]])
    expect((await project.mycelium(args)).code).toBe(0)
  const keys = (): string => readFileSync(join(project.store, "keys.age"), "latin1")
  const before = keys()
  const lock = await takeLock(join(project.stateFolder, "production.lock"), "a test")
  if ("heldBy" in lock) throw new Error(lock.heldBy)
  const child = Bun.spawn([binary, "rekey"], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: ["ignore", "pipe", "pipe"],
  })
  await until("the store's keys to be sealed anew", () => keys() !== before)
  child.kill("SIGTERM")
  const [said] = await Promise.all([child.stdout.text(), child.exited])
  lock.release()
  expect(said).toContain("production: NOT sealed anew")
  expect(said).toContain("staging: NOT sealed anew: interrupted before it (stopped)")
  expect(child.exitCode).toBe(1)
  const again = await project.mycelium(["rekey"])
  expect(again.stdout).toContain("staging: 1 value sealed anew")
  expect(again.code).toBe(0)
})
