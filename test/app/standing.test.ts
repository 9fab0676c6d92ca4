import { expect, test } from "bun:test"
import { Daemon } from "../../src/app/service/daemon.ts"
import type { ServiceEvents } from "../../src/app/service/events.ts"
import { AppError } from "../../src/base/error.ts"
import { adopt } from "../../src/repair/adopt.ts"
import { openApp } from "../support/open-app.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { join } from "node:path"
import { writeFile } from "node:fs/promises"

/** What the service tells of a state, to notices and metrics: the clocks are in hand. */

const start = Date.parse("2026-03-02T12:00:00Z")
const quiet = (): void => undefined

test("what a run that failed has left is told at once, not when it is tried again", async () => {
  await using folder = await temporaryFolder()
  const stop = new AbortController()
  const clock = { wall: start, monotonic: 0 }
  const app = await openApp(
    folder.path,
    "project: test\nstore: ./store\nschedule: '* * * * *'\nrotate_every: 2d\nenvironments:\n" +
      "  a: { secrets: { key: { driver: generated, rotated_at: '2026-01-01' } }, " +
      "outputs: [{ dotenv: .env, merge: true, variables: { KEY: '{{ key.password }}' } }] }\n",
    {
      stop: stop.signal,
      host: {
        now: () => new Date(clock.wall),
        monotonicMs: () => clock.monotonic,
        random: (count) => crypto.getRandomValues(new Uint8Array(count)),
        env: () => undefined,
        pause: async (ms, signal) => {
          for (let turn = 0; turn < 20 && signal?.aborted !== true; turn++)
            await new Promise((resolve) => setImmediate(resolve))
          if (signal?.aborted === true) return
          clock.wall += ms
          clock.monotonic += ms
        },
      },
    },
  )
  await writeFile(join(folder.path, ".env"), "KEY=First-key-of-a-test.0123456789ab\n", {
    mode: 0o600,
  })
  await adopt(app, "a", { given: {}, dates: {} } as never)
  const told: string[] = []
  const tell = (what: string): void => void told.push(`${what} at ${(clock.wall - start) / 1000} s`)
  const events: ServiceEvents = {
    turned: quiet,
    failed: () => tell("failed"),
    clock: quiet,
    drifted: quiet,
    shown: quiet,
    unclear: quiet,
    uncontained: quiet,
    unwritten: quiet,
    round: quiet,
    standing: () => tell("standing"),
  }
  let runs = 0
  await new Daemon(app, events, async () => {
    if (++runs === 2) stop.abort()
    throw new AppError("no-answer", "no answer")
  }).run()
  expect(told.slice(0, 3)).toEqual(["standing at 0 s", "failed at 0 s", "standing at 0 s"])
})
