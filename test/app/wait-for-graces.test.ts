import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { App } from "../../src/app/app.ts"
import { type Report, rotateNow } from "../../src/app/rotate-now.ts"
import { realHost } from "../../src/base/system/host.ts"
import { adopt } from "../../src/repair/adopt.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { openApp } from "../support/open-app.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

const minuteMs = 60_000
const program = fileURLToPath(new URL("../plugins/drivers/exec/program.ts", import.meta.url))

type Secrets = Readonly<Record<string, { readonly grace: string; readonly service: KeyService }>>
type House = {
  readonly app: App
  /** How long each wait was. */
  readonly pauses: number[]
  readonly said: string[]
  /** What happens at a step. */
  at: (step: string, secret?: string) => void
  passed: number
}

/** Each secret is a user of a service behind a program; the clock stands still between waits. */
async function houseOf(folder: string, secrets: Secrets): Promise<House> {
  const house = { pauses: [] as number[], said: [] as string[], at: () => undefined, passed: 0 }
  const began = Date.now()
  const lines: string[] = []
  const shown: string[] = []
  for (const [name, { grace, service }] of Object.entries(secrets)) {
    const first = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("hex")
    service.users.set(name, [first])
    shown.push(`${name}=${first}`)
    lines.push(
      `      ${name}: { driver: exec, command: ${JSON.stringify([process.execPath, program])}, ` +
        `holds: two, user: ${name}, grace: ${grace}, env: { SERVICE: "${service.url}" } }`,
    )
  }
  await writeFile(join(folder, ".env"), `${shown.join("\n")}\n`, { mode: 0o600 })
  const variables = Object.keys(secrets).map((name) => `${name}: "{{ ${name}.password }}"`)
  const app = await openApp(
    folder,
    `project: shop
store: ./store
rotate_every: 90d
environments:
  production:
    secrets:
${lines.join("\n")}
    outputs: [{ dotenv: .env, variables: { ${variables.join(", ")} } }]
`,
    {
      host: {
        ...realHost({}),
        now: () => new Date(began + house.passed),
        monotonicMs: () => house.passed,
        pause: (ms) => {
          house.pauses.push(ms)
          house.passed += ms
          return Promise.resolve()
        },
      },
      onProgress: (_, step, message, secret) => {
        house.said.push(`${step} ${message}`)
        whole.at(step, secret)
      },
    },
  )
  const whole: House = Object.assign(house, { app })
  await adopt(app, "production")
  return whole
}

const asked = { why: "asked", skipGrace: false, waitMs: 15 * minuteMs } as const
const dead = ({ revoked }: Report): readonly string[] =>
  revoked.flatMap(({ secret, version, death }) =>
    death.kind === "dead" ? [`${secret} ${version}`] : [],
  )
const owed = (report: Report): readonly string[] =>
  report.owed.map(({ secret, version }) => `${secret} ${version}`)

test("rotate-now waits for the graces of what it has rotated, up to its limit, and not for one that has kept a secret from being rotated", async () => {
  await using folder = await temporaryFolder()
  await using service = await KeyService.start(2)
  const house = await houseOf(folder.path, {
    short: { grace: "4m", service },
    long: { grace: "2h", service },
    refused: { grace: "10m", service },
  })
  await rotateNow(house.app, "production", { ...asked, secrets: ["refused"], waitMs: 0 })
  expect(house.pauses).toEqual([])
  const report = await rotateNow(house.app, "production", asked)
  expect(report.outcomes["refused"]?.kind).toBe("left")
  expect(house.pauses).toEqual([4 * minuteMs + 50])
  expect(house.said.filter((one) => one.startsWith("grace"))).toEqual([
    expect.stringContaining("then revokes v1 of short; Ctrl-C"),
  ])
  expect(dead(report)).toEqual(["short v1"])
  expect(owed(report)).toEqual(["long v1", "refused v1"])
  expect([service.users.get("short")?.length, service.users.get("long")?.length]).toEqual([1, 2])
})

test("a grace that ends while another secret's value is revoked is not waited for, and its value is revoked all the same", async () => {
  await using folder = await temporaryFolder()
  await using service = await KeyService.start(2)
  const house = await houseOf(folder.path, {
    early: { grace: "0s", service },
    later: { grace: "4m", service },
  })
  house.at = (step) => {
    if (step === "revoke") house.passed = Math.max(house.passed, 5 * minuteMs)
  }
  const report = await rotateNow(house.app, "production", asked)
  expect(house.pauses).toEqual([])
  expect(dead(report)).toEqual(["early v1", "later v1"])
  expect(owed(report)).toEqual([])
})

test("while a secret waits for its service, the graces of the others are waited for and their values revoked", async () => {
  await using folder = await temporaryFolder()
  await using service = await KeyService.start(2)
  await using silent = await KeyService.start(2)
  const house = await houseOf(folder.path, {
    short: { grace: "4m", service },
    waits: { grace: "4m", service: silent },
  })
  // Whether its new value has arrived is not known then.
  house.at = (step, secret) => {
    if (step === "apply" && secret === "waits") void silent.stop()
  }
  const report = await rotateNow(house.app, "production", asked)
  expect(report.outcomes["waits"]?.kind).toBe("waiting")
  expect(report.open).toEqual(["waits"])
  expect(dead(report)).toEqual(["short v1"])
  expect(Math.max(...house.pauses)).toBeGreaterThan(2 * minuteMs)
  expect(service.users.get("short")?.length).toBe(1)
}, 30_000)
