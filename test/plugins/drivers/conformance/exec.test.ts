import type { Driver } from "../../../../src/core/ports.ts"
import { KeyService } from "../exec/key-service.ts"
import { open as openExec } from "../exec/harness.ts"
import { type Harness, type Service, text } from "./harness.ts"
import { driverSuite } from "./suite.ts"

/** A program that talks to a small service, for each way in which one can hold values. */
const ways = {
  one: { most: 1, options: { user: "shop" } },
  two: { most: 2, options: {} },
  pair: { most: 1, options: { users: ["blue", "green"] } },
} as const

for (const [holds, { most, options }] of Object.entries(ways)) {
  const start = async (): Promise<Service> => {
    const service = await KeyService.start(most)
    const open = (more: Readonly<Record<string, string>> = {}): Driver =>
      openExec({ holds, ...options, env: { SERVICE: service.url, ...more } })
    const current = { version: "v1", fields: open().generate({ uncertain: [] }, text) }
    await open().apply(current, { uncertain: [] }, AbortSignal.timeout(10_000))
    return {
      current,
      open: () => open(),
      stored: async () =>
        [...service.users].map(([user, passwords]) => [user, [...passwords].sort()]),
      stop: () => service.stop(),
      hang: async () => service.hang(),
      resume: () => service.resume(),
      faulty: () =>
        ["message", "garbage", "foreign", "shape", "old"].flatMap((odd) =>
          ["describe", "apply", "verify", "revoke"].map((verb) => open({ ODD: odd, ODD_AT: verb })),
        ),
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    }
  }
  driverSuite(`exec, holds ${holds}`, { start } satisfies Harness)
}
