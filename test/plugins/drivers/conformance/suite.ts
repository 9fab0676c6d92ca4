import { describe, expect, test } from "bun:test"
import { AppError } from "../../../../src/base/error.ts"
import type { Credential, Driver, Probe, Versions } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { text } from "./harness.ts"
import type { Harness, Service, Title } from "./harness.ts"
import { traces } from "./traces.ts"

/**
 * One suite for all drivers: what the contract in core/ports.ts says, asked of each at a real
 * service. `harness` starts that service and can take it away; what a driver cannot be asked is
 * skipped with its reason.
 */
export function driverSuite(name: string, harness: Harness): void {
  describe(`driver ${name}`, () => {
    if (harness.noService !== undefined)
      test.skip(`what only a service can be asked (skipped: ${harness.noService})`, () => undefined)
    const service = (title: Title, run: (service: Service) => Promise<void>): void => {
      if (harness.noService !== undefined && !serviceless.has(title)) return
      const reason = harness.skips?.[title]
      if (reason !== undefined) return test.skip(`${title} (skipped: ${reason})`, () => undefined)
      test(title, async () => {
        await using started = await harness.start()
        await run(started)
      }, 60_000)
    }

    service("drafts values that are new, opaque and strong", async ({ open, current }) => {
      const driver = open()
      const [one, other] = [drafted(driver, "v2", current), drafted(driver, "v3", current)]
      expect(valueOf(one)).not.toBe(valueOf(other))
      expect(valueOf(one).length).toBeGreaterThanOrEqual(24)
      expect(
        traces(JSON.stringify([one, other]) + Bun.inspect([one, other]), [one, other]),
      ).toEqual([])
      expect(
        traces(driver.describe({ current, pending: one, uncertain: [] }), [one, current]),
      ).toEqual([])
    })

    service(
      "finds nothing wrong with a sound service, and changes nothing there",
      async ({ open, current, stored }) => {
        const before = await stored()
        const found = await open().preflight({ current, uncertain: [] }, soon())
        expect(found.filter(({ severity }) => severity === "error")).toEqual([])
        expect(await stored()).toEqual(before)
      },
    )

    service(
      "settles at once where nothing is under way, and changes nothing",
      async ({ open, current, stored }) => {
        const before = await stored()
        expect(await open().settle([current], soon())).toBe(true)
        expect(await stored()).toEqual(before)
      },
    )

    service(
      "accepts the value it applied, the old one as its overlap says, also when it is applied twice",
      async ({ open, current, stored }) => {
        const driver = open()
        const next = drafted(driver, "v2", current)
        const versions = { current, pending: next, uncertain: [] }
        await driver.apply(next, versions, soon())
        const once = await stored()
        await driver.apply(next, versions, soon())
        expect(await stored()).toEqual(once)
        expect(await both(driver, current, next)).toEqual([
          driver.overlap === "both" ? "accepted" : "refused",
          "accepted",
        ])
      },
    )

    service(
      "refuses a wrong value, and a probe changes nothing",
      async ({ open, current, stored }) => {
        const driver = open()
        const before = await stored()
        expect(await driver.probe(wrong(current), soon())).toBe("refused")
        expect(await driver.probe(current, soon())).toBe("accepted")
        expect(await stored()).toEqual(before)
      },
    )

    service("goes back to the value it had", async ({ open, current }) => {
      const driver = open()
      const next = drafted(driver, "v2", current)
      const versions = { current, pending: next, uncertain: [] }
      await driver.apply(next, versions, soon())
      await driver.apply(current, versions, soon())
      if (driver.overlap === "both")
        await driver.revoke(next, current, { endSessions: false }, soon())
      expect(await both(driver, current, next)).toEqual(["accepted", "refused"])
    })

    service("revokes the old value, also when it is revoked twice", async ({ open, current }) => {
      const driver = open()
      const next = drafted(driver, "v2", current)
      await driver.apply(next, { current, pending: next, uncertain: [] }, soon())
      for (let times = 0; times < 2; times++) {
        await driver.revoke(current, next, { endSessions: false }, soon())
        expect(await both(driver, current, next)).toEqual(["refused", "accepted"])
      }
    })

    service(
      "forgets every value, where it can, also when it is told twice",
      async ({ open, current }) => {
        const driver = open()
        const next = drafted(driver, "v2", current)
        await driver.apply(next, { current, pending: next, uncertain: [] }, soon())
        // Without an admin, say, it is impossible: mycelium delete says so.
        if (driver.deleteLogin === undefined) return
        for (let times = 0; times < 2; times++) {
          await open().deleteLogin?.([current, next], soon())
          expect(await both(driver, current, next)).toEqual(["refused", "refused"])
        }
      },
    )

    service("comes through an apply that is cut off anywhere", async ({ open, current: first }) => {
      let current = first
      let wholeMs = 0
      // The first one is not cut: it tells how long an apply takes here.
      for (const [index, part] of [2, 0, 0.15, 0.35, 0.55, 0.75, 0.95].entries()) {
        const killed = open()
        const next = drafted(killed, `v${index + 2}`, current)
        const versions = { current, pending: next, uncertain: [] }
        const began = performance.now()
        await killed
          .apply(next, versions, soon(index === 0 ? undefined : Math.round(part * wholeMs)))
          .catch(() => undefined)
        if (index === 0) wholeMs = performance.now() - began
        current = await recover(open(), versions)
      }
    })

    service(
      "says unknown of a service that cannot be reached",
      async ({ open, current, stop, resume }) => {
        const driver = open()
        await stop()
        expect(await both(driver, current, wrong(current))).toEqual(["unknown", "unknown"])
        await resume()
        expect(await driver.probe(current, soon())).toBe("accepted")
      },
    )

    service(
      "says unknown of a service that hangs, within its deadline",
      async ({ open, current, hang, resume }) => {
        const driver = open()
        await hang()
        const began = performance.now()
        const answers = await Promise.all(
          [current, wrong(current)].map((one) =>
            driver.probe(one, soon(1000)).catch(() => "unknown" as const),
          ),
        )
        expect(answers).toEqual(["unknown", "unknown"])
        // A program has a grace of 3 s between TERM and KILL.
        expect(performance.now() - began).toBeLessThan(6000)
        await resume()
        expect(await driver.probe(current, soon())).toBe("accepted")
      },
    )

    service(
      "throws from apply where the service is out of reach or hangs, and comes through it",
      async ({ open, current, stop, hang, resume }) => {
        const next = drafted(open(), "v2", current)
        const versions = { current, pending: next, uncertain: [] }
        await stop()
        expect(await faultOf(open().apply(next, versions, soon()))).toBeInstanceOf(AppError)
        await resume()
        await hang()
        expect(await faultOf(open().apply(next, versions, soon(1000)))).toBeInstanceOf(AppError)
        await resume()
        await recover(open(), versions)
      },
    )

    service(
      "holds no value in any error",
      async ({ open, current, stop, hang, resume, faulty }) => {
        const odd = {
          version: "v2",
          fields: {
            ...drafted(open(), "v2", current).fields,
            password: new Secret("odd", `Zm9v"/%+\\&é ${"x".repeat(20)}`),
          },
        }
        const versions = { current, pending: odd, uncertain: [odd] }
        const faults: unknown[] = []
        const provoke = async (driver: Driver, ms: number): Promise<void> => {
          const live = { ...odd, acceptedAt: "not a time" }
          faults.push(
            ...(await Promise.all(
              [
                driver.preflight(versions, soon(ms)),
                driver.settle([odd, current], soon(ms)),
                driver.revoke(current, live, { endSessions: true }, soon(ms)),
              ].map(faultOf),
            )),
          )
          faults.push(
            await faultOf(driver.apply(odd, versions, soon(ms))),
            await faultOf(driver.probe(odd, soon(ms))),
          )
        }
        for (const driver of faulty?.() ?? []) await provoke(driver, 3000)
        await hang()
        await provoke(open(), 500)
        await resume()
        await stop()
        await provoke(open(), 3000)
        await resume()
        const said = faults.filter((fault) => fault !== undefined)
        expect(said.length).toBeGreaterThan(3)
        for (const fault of said) expect(traces(spread(fault), [odd, current])).toEqual([])
      },
    )
  })
}

/** What can be asked of a driver without a service. */
const serviceless = new Set<Title>([
  "drafts values that are new, opaque and strong",
  "finds nothing wrong with a sound service, and changes nothing there",
  "settles at once where nothing is under way, and changes nothing",
])

function soon(ms = 15_000): AbortSignal {
  return AbortSignal.timeout(ms)
}

function drafted(driver: Driver, version: string, current?: Credential): Credential {
  return {
    version,
    fields: driver.generate({ uncertain: [], ...(current === undefined ? {} : { current }) }, text),
  }
}

function valueOf({ fields }: Credential): string {
  const { password } = fields
  return password instanceof Secret ? password.reveal() : ""
}

/** The same login with another value, as the engine's control. */
function wrong(like: Credential): Credential {
  const fields = Object.entries(like.fields).map(([field, value]) => [
    field,
    value instanceof Secret ? text(field) : value,
  ])
  return { version: "control", fields: Object.fromEntries(fields) }
}

async function both(
  driver: Driver,
  one: Credential,
  other: Credential,
): Promise<readonly [Probe, Probe]> {
  return [await driver.probe(one, soon()), await driver.probe(other, soon())]
}

/**
 * What the engine does after a crash in `apply`: settle, ask, apply the same value again; then the
 * old value goes. Returns what lives.
 */
async function recover(
  driver: Driver,
  versions: Versions & { readonly current: Credential; readonly pending: Credential },
): Promise<Credential> {
  const { current, pending } = versions
  while (!(await driver.settle([pending, current], soon()))) await Bun.sleep(50)
  expect(await driver.probe(wrong(current), soon())).toBe("refused")
  const [held, was] = await both(driver, pending, current)
  expect(held).not.toBe("unknown")
  if (held === "refused") {
    expect(was).toBe("accepted")
    await driver.apply(pending, versions, soon())
  }
  expect(await driver.probe(pending, soon())).toBe("accepted")
  await driver.revoke(current, pending, { endSessions: false }, soon())
  expect(await both(driver, current, pending)).toEqual(["refused", "accepted"])
  return pending
}

async function faultOf(act: Promise<unknown>): Promise<unknown> {
  return act.then(
    () => undefined,
    (fault: unknown) => fault,
  )
}

/** All that an error could carry out. */
function spread(fault: unknown): string {
  if (!(fault instanceof Error)) return Bun.inspect(fault)
  const hint = fault instanceof AppError ? fault.hint : ""
  return [
    fault.message,
    fault.stack,
    hint,
    JSON.stringify(fault),
    Bun.inspect(fault, { depth: 10 }),
    fault.cause === undefined ? "" : spread(fault.cause),
  ].join("\n")
}
