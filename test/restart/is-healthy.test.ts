import { expect, test } from "bun:test"
import { realHost } from "../../src/base/system/host.ts"
import { isHealthy } from "../../src/restart/is-healthy.ts"
import { deployment } from "../support/deployment.ts"
import { errorOf } from "../support/error-of.ts"
import { neverStops } from "../support/hook-reach.ts"

const host = { ...realHost({}), pause: async () => undefined }

/** A health check that gives these answers, one after the other. */
function answering(...answers: (true | string)[]) {
  return deployment({ healthy: async () => answers.shift() ?? "asked too often" })
}

test("isHealthy() looks twice before it says no", async () => {
  expect(await isHealthy(answering(true), host, neverStops())).toBe(true)
  expect(await isHealthy(answering("503", true), host, neverStops())).toBe(true)
  expect(await isHealthy(answering("503", "502", true), host, neverStops())).toBe("502")
})

test("isHealthy() says yes where there is nothing to ask", async () => {
  expect(await isHealthy(deployment(), host, neverStops())).toBe(true)
})

test("isHealthy() throws when it is stopped: that is no answer", async () => {
  const hanging = deployment({ healthy: () => new Promise(() => undefined) })
  expect((await errorOf(isHealthy(hanging, host, AbortSignal.abort()))).code).toBe("stopped")
  expect((await errorOf(isHealthy(answering("503", "503"), host, AbortSignal.abort()))).code).toBe(
    "stopped",
  )
})
