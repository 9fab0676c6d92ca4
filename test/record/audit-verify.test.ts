import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { lineHash } from "../../src/core/audit-line.ts"
import type { AuditTail } from "../../src/core/state.ts"
import { auditPath } from "../../src/record/audit-log.ts"
import { removeSegments, segmentsOf } from "../../src/record/audit-segments.ts"
import { shortened, verifyLog } from "../../src/record/audit-verify.ts"
import { Log } from "./log.ts"

/** Three full parts (lines 1 to 4, 5 to 8, 9 to 12) and an open one (13 to 15). */
async function inParts(): Promise<Log> {
  const log = await Log.open()
  for (let part = 0; part < 3; part++) {
    await log.write(4)
    await log.close()
  }
  await log.write(3)
  return log
}

type Lines = (lines: string[]) => readonly string[]
const swap: Lines = ([one = "", two = "", ...rest]) => [two, one, ...rest]
const edit: Lines = ([one = "", ...rest]) => [
  one.replace('"user":"anna"', '"user":"otto"'),
  ...rest,
]
/** A line that looks right: the next number, and the hash of the one before. */
const insert: Lines = ([one = "", ...rest]) => [
  one,
  one
    .replace(/"n":\d+/, (n) => `"n":${Number(n.slice(4)) + 1}`)
    .replace(/"prev":"[0-9a-f]*"/, `"prev":"${lineHash(one)}"`),
  ...rest,
]
const remove: Lines = ([one = "", _, ...rest]) => [one, ...rest]
const cut: Lines = (lines) => lines.slice(0, -1)

/** A forger of the whole: every line after the changed one is chained anew, and the state is told. */
async function forged(
  log: Log,
  change: (entry: Record<string, unknown>) => Record<string, unknown>,
): Promise<AuditTail> {
  let head = "0".repeat(64)
  let count = 0
  for (const path of await log.files()) {
    log.edit(path, (lines) =>
      lines.map((line) => {
        const next = JSON.stringify({
          ...change(JSON.parse(line) as Record<string, unknown>),
          prev: head,
        })
        head = lineHash(next)
        count++
        return next
      }),
    )
  }
  return { count, head, lines: [] }
}

describe("verifyLog()", () => {
  test("finds nothing in a log that was not touched, and holds every kept head against it", async () => {
    await using log = await inParts()
    const heads = await log.heads()
    expect(await verifyLog(log.place, log.tail, heads)).toEqual({
      lines: 15,
      riding: 0,
      first: 1,
      torn: 0,
      setBack: 0,
      head: log.tail.head,
      held: 15,
      faults: [],
    })
  })

  test.each([
    ["edited", edit],
    ["removed", remove],
    ["inserted", insert],
    ["swapped", swap],
  ])("finds a line that was %s, in whichever part, with no head at hand", async (_, change) => {
    for (const part of [0, 1, 2, 3]) {
      await using log = await inParts()
      log.edit((await log.files())[part] ?? "", change)
      const { faults } = await verifyLog(log.place, log.tail, new Map())
      expect({ part, found: faults.length > 0 }).toEqual({ part, found: true })
    }
  })

  test("says how many lines the state alone holds, and finds some that do not go on where the log ends", async () => {
    await using log = await inParts()
    log.ride()
    log.ride()
    expect(await verifyLog(log.place, log.tail, new Map())).toMatchObject({
      lines: 15,
      riding: 2,
      faults: [],
    })
    const { tail } = log
    await log.flush()
    // One of them was in the file, and is not any more.
    log.edit(auditPath(log.place), cut)
    expect(await verifyLog(log.place, tail, new Map())).toMatchObject({
      lines: 16,
      riding: 1,
      faults: [],
    })
    // Another one in its place.
    log.edit(auditPath(log.place), (lines) => edit(lines.reverse()).toReversed())
    const { faults } = await verifyLog(log.place, tail, new Map())
    expect(faults).toEqual(["what the state holds of the log's end does not follow from line 16"])
  })

  test("finds a tail that was cut off, by the state and by a head that was kept", async () => {
    await using log = await inParts()
    const heads = await log.heads()
    log.edit(auditPath(log.place), cut)
    expect((await verifyLog(log.place, log.tail, new Map())).faults).toEqual([
      "the log ends at line 14, but the state knows of 15: its tail was cut off",
    ])
    expect((await verifyLog(log.place, undefined, heads)).faults).toEqual([
      "the log ends at line 14, but the head of line 15 was kept: its tail was cut off",
    ])
    rmSync(auditPath(log.place))
    expect((await verifyLog(log.place, undefined, heads)).faults).toEqual([
      "the log ends at line 12, but the head of line 15 was kept: its tail was cut off",
    ])
  })

  test("finds a last line that was edited, and lines that the state knows nothing of", async () => {
    await using log = await inParts()
    log.edit(auditPath(log.place), (lines) => edit(lines.toReversed()).toReversed())
    expect((await verifyLog(log.place, log.tail, new Map())).faults).toEqual([
      "line 15 is not the one that the state knows",
    ])
    await using other = await inParts()
    const { tail } = other
    await other.write(1)
    expect((await verifyLog(other.place, tail, new Map())).faults).toEqual([
      "the state knows of no line after 15, but the log goes on to 16",
    ])
  })

  test("finds a part that is gone", async () => {
    for (const part of [0, 1, 2]) {
      await using log = await inParts()
      rmSync((await log.files())[part] ?? "")
      const { faults } = await verifyLog(log.place, log.tail, new Map())
      expect(faults).toEqual([
        part === 0
          ? "lines 1 to 4 are missing, and no later line says that they were removed for their age"
          : `lines ${part * 4 + 1} to ${part * 4 + 4} are missing: after ${part * 4} comes ${part * 4 + 5}`,
      ])
    }
  })

  test("by heads that were kept elsewhere, finds what a forger of log and state together did; without them, not", async () => {
    await using log = await inParts()
    const heads = await log.heads()
    const tail = await forged(log, (entry) =>
      entry["n"] === 6 ? { ...entry, user: "otto" } : entry,
    )
    expect((await verifyLog(log.place, tail, new Map())).faults).toEqual([])
    const one = new Map([[11, heads.get(11) ?? new Set<string>()]])
    expect((await verifyLog(log.place, tail, one)).faults).toEqual([
      "line 11 is not the one whose head was kept: it, or a line before it, was changed",
    ])
    // A head of a line before the change says nothing.
    expect(
      (await verifyLog(log.place, tail, new Map([[5, heads.get(5) ?? new Set<string>()]]))).faults,
    ).toEqual([])
  })

  test("says so where two heads of one line disagree", async () => {
    await using log = await inParts()
    const right = [...((await log.heads()).get(3) ?? [])]
    expect(
      (await verifyLog(log.place, log.tail, new Map([[3, new Set([...right, "f".repeat(64)])]])))
        .faults,
    ).toEqual(["two different heads of line 3 were kept: one of them is not of this log"])
  })

  describe("of a log whose oldest parts were removed for their age", () => {
    /** What `maintainLog` does, stopped after a number of removals. */
    async function shorten(log: Log, parts: number, removed = parts): Promise<void> {
      const old = (await segmentsOf(log.place)).slice(0, parts)
      for (const { path, last } of old)
        log.ride({ event: shortened, through: last, head: lineHash(log.lines(path).at(-1) ?? "") })
      await log.flush()
      await removeSegments(log.place, old.slice(0, removed))
    }

    test("finds nothing, whenever the removal was cut off, and heads of what is gone are passed over", async () => {
      for (const removed of [0, 1, 2]) {
        await using log = await inParts()
        const heads = await log.heads()
        await shorten(log, 2, removed)
        expect(await verifyLog(log.place, log.tail, heads)).toMatchObject({
          faults: [],
          first: removed * 4 + 1,
          lines: 17,
          held: 15 - removed * 4,
        })
        // A second removal, of the rest.
        await shorten(log, 3 - removed)
        expect((await verifyLog(log.place, log.tail, new Map())).faults).toEqual([])
      }
    })

    test("finds one part too many that is gone, a part that went without a word, and an edited first line", async () => {
      await using log = await inParts()
      await shorten(log, 1)
      rmSync((await log.files())[0] ?? "")
      expect((await verifyLog(log.place, log.tail, new Map())).faults).toEqual([
        "lines 1 to 8 are missing, and no later line says that they were removed for their age",
      ])
      await using other = await inParts()
      await shorten(other, 1)
      other.edit((await other.files())[0] ?? "", ([one = "", ...rest]) => [
        one.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${"1".repeat(64)}"`),
        ...rest,
      ])
      expect((await verifyLog(other.place, other.tail, new Map())).faults.length).toBe(2)
    })
  })
})

test("a log that has gone on since its state was read is no forgery; one that its state does not know of is", async () => {
  await using log = await Log.open()
  await log.write(3)
  const before = log.tail
  await log.write(2)
  expect(
    (await verifyLog(log.place, before, new Map(), () => Promise.resolve(log.tail))).faults,
  ).toEqual([])
  expect(
    (await verifyLog(log.place, before, new Map(), () => Promise.resolve(before))).faults,
  ).toEqual(["the state knows of no line after 3, but the log goes on to 5"])
  log.edit((await log.files())[0] ?? "", edit)
  expect(
    (await verifyLog(log.place, before, new Map(), () => Promise.resolve(log.tail))).faults,
  ).not.toEqual([])
})
