import { expect, test } from "bun:test"
import { lastWords, setLastWords } from "../../src/base/processes/last-words.ts"
import { realHost } from "../../src/base/system/host.ts"
import type { App } from "../../src/app/app.ts"
import { StopSignals } from "../../src/app/environment/stop-signals.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

test("who holds the lock for a line of the log leaves what is said of a program that is cut off", async () => {
  await using folder = await temporaryFolder()
  const app: Pick<App, "host" | "stop" | "onProgress"> = {
    host: realHost({}),
    stop: new AbortController().signal,
    onProgress: () => undefined,
  }
  const left = { lines: ["api is cut off"], hints: () => [], cutOff: true }
  setLastWords("ends-test", () => left)
  try {
    new StopSignals(app, "ends-test", `${folder.path}/lock`).release()
    expect(lastWords()).toMatchObject({ lines: left.lines, cutOff: true })
  } finally {
    setLastWords("ends-test")
  }
})
