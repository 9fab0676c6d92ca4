import { describe, expect, test } from "bun:test"
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs"
import { join } from "node:path"
import { auditPath, readLogEnd } from "../../src/record/audit-log.ts"
import { closeSegment, segmentFolder, segmentsOf } from "../../src/record/audit-segments.ts"
import { verifyLog } from "../../src/record/audit-verify.ts"
import { modeOf } from "../support/mycelium.ts"
import { Log } from "./log.ts"

const faultsOf = async (log: Log): Promise<readonly string[]> =>
  (await verifyLog(log.place, log.tail, new Map())).faults

describe("a log in parts", () => {
  test("goes on over them: numbers, chain and end", async () => {
    await using log = await Log.open()
    for (const lines of [3, 2, 4]) {
      await log.write(lines)
      await log.close()
    }
    expect(await readLogEnd(log.place)).toMatchObject({
      count: 9,
      serial: 9,
      exists: false,
      torn: false,
    })
    await log.write(2)
    expect(await log.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect((await segmentsOf(log.place)).map(({ last }) => last)).toEqual([3, 5, 9])
    expect(await faultsOf(log)).toEqual([])
    expect(modeOf(segmentFolder(log.place))).toBe("0700")
    for (const path of await log.files()) expect(modeOf(path)).toBe("0600")
  })

  test("is whole after a crash at each step of closing a part", async () => {
    await using log = await Log.open()
    await log.write(3)
    // The folder was made, nothing else.
    mkdirSync(segmentFolder(log.place), { mode: 0o700 })
    await log.write(1)
    expect(await log.numbers()).toEqual([1, 2, 3, 4])
    // The rename was done, nothing was appended since: twice in a row.
    for (const lines of [0, 2]) {
      if (lines > 0) await log.write(lines)
      renameSync(
        auditPath(log.place),
        join(segmentFolder(log.place), `to-${String(log.tail.count).padStart(10, "0")}.jsonl`),
      )
      expect(await readLogEnd(log.place)).toMatchObject({ count: log.tail.count, exists: false })
      expect(await faultsOf(log)).toEqual([])
    }
    // An append made the file, and the machine died before a byte was in it.
    appendFileSync(auditPath(log.place), "", { mode: 0o600 })
    expect(await readLogEnd(log.place)).toMatchObject({ count: 6, exists: true })
    await log.write(1)
    expect(await log.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(await faultsOf(log)).toEqual([])
  })

  test("is read once where a file system kept both names of a rename", async () => {
    await using log = await Log.open()
    await log.write(3)
    mkdirSync(segmentFolder(log.place), { mode: 0o700 })
    linkSync(auditPath(log.place), join(segmentFolder(log.place), "to-0000000003.jsonl"))
    expect(await log.numbers()).toEqual([1, 2, 3])
  })

  test("can be read while a part is closed", async () => {
    await using log = await Log.open()
    await log.write(3)
    const reading = log.numbers()
    await closeSegment(log.place, auditPath(log.place), 3)
    expect(await reading).toEqual([1, 2, 3])
  })
})

describe("a torn line", () => {
  test("at whichever byte the append ended, the log is whole after the next one", async () => {
    await using log = await Log.open()
    await log.write(2)
    const before = statSync(auditPath(log.place)).size
    const riding = [log.ride({ event: "generate", reason: "größer" }), log.ride()]
    const { tail } = log
    await log.flush()
    const whole = readFileSync(auditPath(log.place))
    for (let size = before; size <= whole.length; size++) {
      rmSync(auditPath(log.place))
      appendFileSync(auditPath(log.place), whole.subarray(0, size), { mode: 0o600 })
      log.tail = tail
      await log.flush()
      const { faults, lines } = await verifyLog(log.place, log.tail, new Map())
      expect({ size, faults, lines }).toEqual({ size, faults: [], lines: 4 })
      expect((await log.numbers()).filter((n) => n !== undefined)).toEqual([1, 2, 3, 4])
    }
    expect(riding).toHaveLength(2)
  })

  test("of which the disk holds only NULs is no alarm; other text that is no line is one", async () => {
    await using log = await Log.open()
    await log.write(2)
    const line = log.ride()
    appendFileSync(auditPath(log.place), `${line.slice(0, 20)}${"\0".repeat(300)}`)
    await log.flush()
    expect(await verifyLog(log.place, log.tail, new Map())).toMatchObject({ faults: [], torn: 1 })
    appendFileSync(auditPath(log.place), "nothing of ours\n")
    await log.write(1)
    expect(await faultsOf(log)).toEqual(["before line 4 stands text that no append left there"])
  })

  test("is not taken for a full part", async () => {
    await using log = await Log.open()
    await log.write(2)
    truncateSync(auditPath(log.place), statSync(auditPath(log.place)).size - 5)
    expect(await readLogEnd(log.place)).toMatchObject({ torn: true, count: 1 })
  })
})
