import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import fc from "fast-check"
import { AppError } from "../../src/base/error.ts"
import { appendLine, noHead } from "../../src/core/audit-line.ts"
import { newIdentity, recipientOf } from "../../src/core/seal.ts"
import { Secret } from "../../src/core/secret.ts"
import type { AuditTail, StateDocument } from "../../src/core/state.ts"
import { agenda } from "../../src/plan/agenda.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { auditPath, appendToLog, readLogEnd } from "../../src/record/audit-log.ts"
import { verifyLog } from "../../src/record/audit-verify.ts"
import { FileLedger } from "../../src/record/ledger.ts"
import {
  blankState,
  makeStateFolder,
  readState,
  statePath,
  writeState,
} from "../../src/record/state-file.ts"
import { Reserve } from "../../src/base/files/reserve.ts"
import { AgeVault } from "../../src/record/vault.ts"
import type { Keys } from "../../src/record/keys.ts"
import { answered, bytes, mutated, runs } from "../support/fuzzed.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/**
 * The state and its log as a person, or a disk, may have left them: read right, or refused as a
 * whole; never changed by reading.
 */

const value = "The-value-in-the-state.1"
const identity = await newIdentity()
const keys: Keys = {
  identities: [identity],
  recipients: [await recipientOf(identity)],
  mac: randomBytes(32),
  fingerprint: randomBytes(32),
  fileVersion: "",
}
const vault = new AgeVault(keys, { project: "shop", environment: "production" })

async function laidOut() {
  const folder = await temporaryFolder()
  const place = { store: folder.path, project: "shop", environment: "production" }
  await makeStateFolder(place)
  const now = new Date("2026-01-01T03:00:00Z")
  let audit = { count: 0, head: noHead, lines: [] as readonly string[] }
  for (let serial = 1; serial <= 3; serial++)
    audit = appendLine(
      audit,
      { event: "promote", secret: "db" },
      { at: now, serial, actor: { user: "test", via: "test" } },
    )
  const version = async (
    id: string,
    stage: StateDocument["secrets"][string]["versions"][number]["stage"],
  ) => ({
    id,
    madeAt: now.toISOString(),
    stage,
    ...(await vault.seal("db", {
      version: id,
      fields: { user: "shop", password: new Secret("db", value) },
    })),
  })
  const document: StateDocument = {
    ...blankState(place, "id"),
    serial: 3,
    secrets: {
      db: {
        driver: "postgres",
        rotatedAt: now.toISOString(),
        versions: [
          await version("v1", { kind: "retired", since: now.toISOString() }),
          await version("v2", { kind: "current" }),
        ],
      },
    },
    audit,
  }
  await writeState(place, document, { key: keys.mac, reserve: new Reserve(statePath(place)) })
  await appendToLog(place, audit, await readLogEnd(place))
  return { folder, place, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

/** As a command does: load, and open what is current. */
async function load(place: Parameters<typeof readState>[0]): Promise<string> {
  const document = await new FileLedger(place, keys.mac, () => "id").load()
  const opened = await Promise.all(
    (document.secrets["db"]?.versions ?? []).map((version) => vault.open("db", version)),
  )
  return opened
    .map(({ fields }) => (fields["password"] instanceof Secret ? fields["password"].reveal() : ""))
    .join(" ")
}

describe("a state document", () => {
  test("that was changed in any way is read as it was, or refused with a code; no file is touched", async () => {
    await using laid = await laidOut()
    const { place } = laid
    const path = statePath(place)
    const good = readFileSync(path, "utf8")
    const whole = `${value} ${value}`
    expect(await load(place)).toBe(whole)
    const texts = fc.oneof(
      mutated(good),
      bytes(2000).map((all) => Buffer.from(all).toString("latin1")),
      fc.nat({ max: good.length }).map((end) => good.slice(0, end)),
      fc.json(),
      anyDocument(JSON.parse(good) as object),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        writeFileSync(path, text)
        const answer = await answered(() => load(place), [value])
        if (!(answer instanceof AppError)) expect([whole, value, ""]).toContain(answer)
        if (!(answer instanceof AppError) && answer !== whole)
          expect(JSON.parse(text)).toEqual(JSON.parse(good))
        expect(readFileSync(path, "utf8")).toBe(text)
      }),
      runs(800),
    )
  }, 60_000)

  test("without a key: what status and the service read of it is a document that can be planned with, or an error", async () => {
    const schedule = parseSchedule("0 3 * * *", "UTC")
    if ("problem" in schedule) throw new Error(schedule.problem)
    const secrets = [
      {
        name: "db",
        driver: "postgres",
        rotateEveryMs: 7 * 86_400_000,
        graceMs: 0,
        endSessions: false,
        tags: [],
        options: {},
      },
    ]
    await using laid = await laidOut()
    const { place } = laid
    const good = JSON.parse(readFileSync(statePath(place), "utf8")) as object
    await fc.assert(
      fc.asyncProperty(anyDocument(good), async (text) => {
        writeFileSync(statePath(place), text)
        const read = await answered(() => readState(place), [value])
        if (!(read instanceof AppError))
          agenda(read, secrets, schedule, new Date("2026-02-01T03:00:00Z"))
      }),
      runs(800),
    )
  }, 60_000)
})

/** A well-formed document with any data in one place of it. */
function anyDocument(good: object): fc.Arbitrary<string> {
  const paths = pathsIn(good)
  return fc
    .record({
      path: fc.constantFrom(...paths),
      data: fc.oneof(fc.jsonValue(), fc.constantFrom(null, [], {}, "", -1, 1e308, "__proto__")),
      gone: fc.boolean(),
    })
    .map(({ path, data, gone }) => {
      const copy = structuredClone(good) as Record<string, unknown>
      let at: Record<string, unknown> = copy
      for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>
      const last = path.at(-1) ?? ""
      if (gone) delete at[last]
      else at[last] = data
      return JSON.stringify(copy)
    })
}

function pathsIn(value: object): readonly (readonly string[])[] {
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...(typeof inner === "object" && inner !== null
      ? pathsIn(inner as object).map((path) => [key, ...path])
      : []),
  ])
}

describe("an audit log", () => {
  test("of any text is verified, and its end is read, or an error says why not; what an append adds is found again", async () => {
    await using laid = await laidOut()
    const { place } = laid
    const path = auditPath(place)
    const good = readFileSync(path, "utf8")
    // As the state has it once its lines are in the log.
    const audit = { ...(await readState(place))?.audit, lines: [] } as AuditTail
    const line = fc.oneof(
      fc.json(),
      fc.constantFrom(
        "",
        "{}",
        "null",
        "[]",
        '{"n":1}',
        '{"n":1e999,"serial":1}',
        '{"n":-1,"serial":-1,"at":"","event":""}',
        "\r",
        "\u2028",
        ...good.split("\n"),
      ),
      fc.string(),
    )
    const logs = fc.oneof(
      mutated(good),
      fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n")),
      bytes(500).map((all) => Buffer.from(all).toString("latin1")),
    )
    await fc.assert(
      fc.asyncProperty(logs, async (text) => {
        writeFileSync(path, text)
        const verified = await answered(() => verifyLog(place, audit, new Map()))
        const end = await answered(() => readLogEnd(place))
        const same = text === good
        if (!(verified instanceof AppError) && !same && verified.faults.length === 0)
          expect(
            verified.torn > 0 || text.replaceAll(/[\r\n]+/g, "\n").trim() === good.trim(),
          ).toBe(true)
        if (end instanceof AppError) return
        expect([Number.isNaN(end.count), Number.isNaN(end.serial)]).toEqual([false, false])
        if (!Number.isSafeInteger(end.count) || end.count < 0) return
        const next = appendLine(
          { count: end.count, head: noHead, lines: [] },
          { event: "promote" },
          { at: new Date(0), serial: 9, actor: { user: "test", via: "test" } },
        )
        await appendToLog(place, next, end)
        expect((await readLogEnd(place)).count).toBe(end.count + 1)
      }),
      runs(800),
    )
  }, 60_000)
})
