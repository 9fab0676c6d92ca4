import { describe, expect, test } from "bun:test"
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { render } from "../../src/repair/render.ts"
import type { Host } from "../../src/base/system/host.ts"
import { auditPath } from "../../src/record/audit-log.ts"
import { segmentFolder } from "../../src/record/audit-segments.ts"
import { verifyLog } from "../../src/record/audit-verify.ts"
import { readState } from "../../src/record/state-file.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { openApp } from "../support/open-app.ts"

/** What happens to the log after each act, with the clock in hand. */

const day = 86_400_000
const ageOf = (path: string): number => statSync(path).size

class House implements AsyncDisposable {
  readonly app: App
  readonly folder: string
  readonly told: string[]
  readonly clock: { now: number }
  readonly #dispose: () => Promise<void>
  readonly place: { readonly store: string; readonly project: string; readonly environment: string }

  constructor(
    parts: {
      readonly app: App
      readonly folder: string
      readonly told: string[]
      readonly clock: { now: number }
    },
    dispose: () => Promise<void>,
  ) {
    this.app = parts.app
    this.folder = parts.folder
    this.told = parts.told
    this.clock = parts.clock
    this.#dispose = dispose
    this.place = { store: parts.app.config.store, project: "test", environment: "production" }
  }

  static async open(audit: string): Promise<House> {
    const folder = await temporaryFolder()
    const clock = { now: Date.parse("2026-03-02T12:00:00Z") }
    const told: string[] = []
    const host: Host = {
      now: () => new Date(clock.now),
      monotonicMs: () => clock.now,
      random: (count) => crypto.getRandomValues(new Uint8Array(count)),
      env: () => undefined,
      pause: () => Promise.resolve(),
    }
    const app = await openApp(
      folder.path,
      "project: test\n" +
        "store: ./store\n" +
        "rotate_every: 90d\n" +
        `audit: ${audit}\n` +
        "environments:\n  " +
        "production: { secrets: { k: generated } }\n",
      { host, onProgress: (_, step, message) => void told.push(`${step}: ${message}`) },
    )
    return new House({ app, folder: folder.path, told, clock }, async () =>
      folder[Symbol.asyncDispose](),
    )
  }

  /** One rotation: four lines or so. */
  async act(): Promise<void> {
    const empty = (await readState(this.place)) === undefined
    const { outcomes } = await rotateNow(this.app, "production", {
      why: empty ? "new" : "asked",
      skipGrace: false,
      waitMs: 0,
    })
    expect(Object.values(outcomes).map(({ kind }) => kind)).toEqual(["rotated"])
    this.clock.now += 60_000
  }
  get parts(): readonly string[] {
    return existsSync(segmentFolder(this.place))
      ? readdirSync(segmentFolder(this.place)).toSorted()
      : []
  }
  async faults(): Promise<readonly string[]> {
    return (await verifyLog(this.place, (await readState(this.place))?.audit, new Map())).faults
  }
  get sent(): readonly string[] {
    return readFileSync(join(this.folder, "heads"), "utf8").trim().split("\n")
  }
  async head(): Promise<string> {
    const audit = (await readState(this.place))?.audit
    return `test/production ${audit?.count} ${audit?.head}`
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose()
  }
}

describe("parts of the log", () => {
  test("are closed when they are full, and removed when they are too old, which a line says", async () => {
    await using house = await House.open("{ segment: 1KiB, keep: 30d }")
    for (let act = 0; act < 6; act++) await house.act()
    const first = house.parts
    expect(first.length).toBeGreaterThan(1)
    for (const part of first)
      expect(ageOf(join(segmentFolder(house.place), part))).toBeGreaterThanOrEqual(1024)
    expect(await house.faults()).toEqual([])
    // A day before they are too old, nothing goes.
    house.clock.now += 29 * day
    await house.act()
    expect(house.parts).toEqual(expect.arrayContaining([...first]))
    house.clock.now += 2 * day
    await house.act()
    expect(house.parts.filter((part) => first.includes(part))).toEqual([])
    expect(house.parts.length).toBeGreaterThan(0)
    expect(await house.faults()).toEqual([])
    const verified = await verifyLog(house.place, (await readState(house.place))?.audit, new Map())
    expect(verified.first).toBe(Number(first.at(-1)?.slice(3, 13)) + 1)
    expect(house.told.filter((line) => line.startsWith("audit"))).toEqual([])
  })

  test("stay in one where the disk does not let it be closed: that is told with the system's word, and no act fails", async () => {
    await using house = await House.open("{ segment: 1KiB }")
    await house.act()
    // Where its folder should be made, a file lies.
    await writeFile(segmentFolder(house.place), "")
    for (let act = 0; act < 4; act++) await house.act()
    const told = house.told.filter((line) => line.startsWith("audit"))
    expect(told.length).toBeGreaterThan(0)
    for (const line of told)
      expect(line).toMatch(
        /production\.audit\.jsonl cannot be kept in order now: E[A-Z]+; the next act tries it again$/,
      )
  })

  test("stay for ever where the config says so", async () => {
    await using house = await House.open("{ segment: 1KiB, keep: forever }")
    for (let act = 0; act < 4; act++) await house.act()
    const before = house.parts
    house.clock.now += 4000 * day
    await house.act()
    expect(house.parts).toEqual(expect.arrayContaining([...before]))
  })

  test("are not closed while their end is torn", async () => {
    await using house = await House.open("{ segment: 1KiB }")
    await house.act()
    while (house.parts.length === 0) await house.act()
    await house.act()
    appendFileSync(auditPath(house.place), `{"n":${"9".repeat(1500)}`)
    // An act that writes nothing leaves all as it is.
    await render(house.app, "production")
    expect(house.parts.length).toBe(1)
    await house.act()
    expect(house.parts.length).toBe(2)
    expect(readFileSync(join(segmentFolder(house.place), house.parts[1] ?? ""), "utf8")).toEndWith(
      "\n",
    )
  })
})

describe("the head", () => {
  const command = (script: string): string =>
    `{ heads: { command: [/bin/sh, -c, ${JSON.stringify(script)}] } }`

  test("leaves the machine after each act, once", async () => {
    await using house = await House.open(command("cat >> heads"))
    await house.act()
    expect(house.sent).toEqual([await house.head()])
    const first = await house.head()
    await house.act()
    expect(house.sent).toEqual([first, await house.head()])
    await render(house.app, "production")
    expect(house.sent).toHaveLength(2)
  })

  test("that could not leave stops no rotation, is told, and goes with the next act", async () => {
    await using house = await House.open(command("[ ! -e broken ] && cat >> heads"))
    await house.act()
    await writeFile(join(house.folder, "broken"), "")
    await house.act()
    await house.act()
    expect(house.sent).toHaveLength(1)
    expect(house.told.filter((line) => line.includes("audit-heads-undelivered"))).toHaveLength(2)
    const { failed, last } = JSON.parse(
      readFileSync(
        join(house.app.config.store, "secrets", "test", "production.audit.sent"),
        "utf8",
      ),
    ) as { readonly failed: { readonly code: string }; readonly last: { readonly n: number } }
    expect(failed.code).toBe("program-failed")
    expect(`test/production ${last.n}`).toBe(house.sent[0]?.split(" ").slice(0, 2).join(" ") ?? "")
    await Bun.file(join(house.folder, "broken")).delete()
    // Also an act that writes nothing catches up.
    await render(house.app, "production")
    expect(house.sent).toHaveLength(2)
    expect(house.sent[1]).toBe(await house.head())
  })

  test("of which a run was killed before it left goes with the next act", async () => {
    await using house = await House.open(command("cat >> heads"))
    await house.act()
    await Bun.file(
      join(house.app.config.store, "secrets", "test", "production.audit.sent"),
    ).delete()
    await render(house.app, "production")
    expect(house.sent).toEqual([await house.head(), await house.head()])
  })

  test("is not waited for at every act where the command hangs", async () => {
    await using house = await House.open(command("echo x >> tried; exec sleep 60"))
    const began = performance.now()
    await house.act()
    house.clock.now -= 30_000
    await house.act()
    expect(readFileSync(join(house.folder, "tried"), "utf8")).toBe("x\n")
    expect(performance.now() - began).toBeLessThan(15_000)
    await house.act()
    expect(readFileSync(join(house.folder, "tried"), "utf8")).toBe("x\nx\n")
  }, 40_000)

  test("that left is one that the log is held against", async () => {
    await using house = await House.open(command("cat >> heads"))
    await house.act()
    const said = house.sent
    const heads = new Map<number, ReadonlySet<string>>(
      said.map((line) => [Number(line.split(" ")[1]), new Set([line.split(" ")[2] ?? ""])]),
    )
    expect(
      await verifyLog(house.place, (await readState(house.place))?.audit, heads),
    ).toMatchObject({ faults: [], held: 1 })
  })
})
