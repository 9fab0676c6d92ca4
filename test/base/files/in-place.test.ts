import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { draftPath } from "../../../src/base/files/draft-file.ts"
import { draftInPlace, healInPlace } from "../../../src/base/files/in-place.ts"
import { isMixture, redoPath } from "../../../src/base/files/redo.ts"
import { errorOf } from "../../support/error-of.ts"
import { SmallDisk, whyNoDisk } from "../../support/small-disk.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const old = Buffer.from("A=old\nB=1\n")
const young = Buffer.from("A=a new and longer value\nB=1\n")

/** The redo copy as a crash leaves it, and the target with what reached the disk. */
async function crashed(
  folder: string,
  before: Uint8Array,
  after: Uint8Array,
  now: Uint8Array,
): Promise<string> {
  const target = join(folder, "target")
  writeFileSync(target, before, { mode: 0o600 })
  await draftInPlace(target, before, after)
  renameSync(draftPath(target), redoPath(target))
  writeFileSync(target, now)
  return target
}

describe("draftInPlace()", () => {
  test("keeps the file itself, and leaves nothing beside it", async () => {
    await using folder = await temporaryFolder()
    const target = join(folder.path, "target")
    writeFileSync(target, young, { mode: 0o644 })
    linkSync(target, join(folder.path, "mounted"))
    const draft = await draftInPlace(target, young, old, { mode: 0o600 })
    expect(readFileSync(target)).toEqual(young)
    expect((statSync(draftPath(target)).mode & 0o777).toString(8)).toBe("600")
    await draft.commit()
    expect(readFileSync(join(folder.path, "mounted"))).toEqual(old)
    expect((statSync(target).mode & 0o777).toString(8)).toBe("600")
    expect(readdirSync(folder.path).sort()).toEqual(["mounted", "target"])
  })

  test("follows no link, and leaves a discarded draft nowhere", async () => {
    await using folder = await temporaryFolder()
    writeFileSync(join(folder.path, "real"), old)
    symlinkSync("real", join(folder.path, "link"))
    expect((await errorOf(draftInPlace(join(folder.path, "link"), old, young))).code).toBe(
      "file-is-link",
    )
    await (await draftInPlace(join(folder.path, "real"), old, young)).discard()
    expect(readdirSync(folder.path).sort()).toEqual(["link", "real"])
    expect(readFileSync(join(folder.path, "real"))).toEqual(old)
  })

  test.skipIf(whyNoDisk !== undefined)(
    `gives the old bytes back where the disk is full${whyNoDisk === undefined ? "" : ` (skipped: ${whyNoDisk})`}`,
    async () => {
      await using folder = await temporaryFolder()
      using disk = new SmallDisk(join(folder.path, "disk"))
      const target = join(disk.folder, "target")
      const before = randomBytes(100)
      const after = randomBytes(60_000)
      writeFileSync(target, before)
      const draft = await draftInPlace(target, before, after)
      disk.fill(2)
      const error = await errorOf(draft.commit())
      expect({ code: error.code, hint: error.hint }).toEqual({
        code: "write-failed",
        hint: "free some space on that disk; nothing was lost",
      })
      expect(readFileSync(target)).toEqual(before)
      expect(existsSync(redoPath(target))).toBe(false)
      disk.fill(2)
      const early = await errorOf(draftInPlace(target, before, after))
      expect(early.code).toBe("write-failed")
      disk.readOnly()
      expect((await errorOf(draftInPlace(target, before, after))).hint).toContain("read-only")
    },
  )
})

describe("healInPlace()", () => {
  const cuts = Array.from({ length: young.length + 1 }, (_, at) => at)

  test("finishes a write from any byte on, longer and shorter", async () => {
    await using folder = await temporaryFolder()
    for (const at of cuts) {
      for (const [before, after] of [
        [old, young],
        [young, old],
      ] as const) {
        const written = after.subarray(0, at)
        const target = await crashed(
          folder.path,
          before,
          after,
          Buffer.concat([written, before.subarray(written.length)]),
        )
        await healInPlace(target)
        expect(readFileSync(target)).toEqual(after)
        expect(readdirSync(folder.path)).toEqual(["target"])
        await healInPlace(target)
      }
    }
  })

  test("takes holes for what was never written", async () => {
    await using folder = await temporaryFolder()
    const target = await crashed(
      folder.path,
      old,
      young,
      Buffer.concat([old, Buffer.alloc(young.length - old.length)]),
    )
    chmodSync(target, 0o640)
    await healInPlace(target)
    expect(readFileSync(target)).toEqual(young)
    expect((statSync(target).mode & 0o777).toString(8)).toBe("640")
  })

  test.each(["A=theirs\nB=1\n", "", `${young.toString()}C=1\n`])(
    "leaves %j, which was written since",
    async (theirs) => {
      await using folder = await temporaryFolder()
      const target = await crashed(folder.path, old, young, Buffer.from(theirs))
      await healInPlace(target)
      expect(readFileSync(target, "utf8")).toBe(theirs)
      expect(readdirSync(folder.path)).toEqual(["target"])
    },
  )

  test("believes no copy that others can have written", async () => {
    await using folder = await temporaryFolder()
    const spoil =
      process.geteuid?.() === 0
        ? (path: string) => chownSync(path, 65_534, 65_534)
        : (path: string) => chmodSync(path, 0o660)
    const target = await crashed(folder.path, old, young, old)
    spoil(redoPath(target))
    await healInPlace(target)
    expect(readFileSync(target)).toEqual(old)
    expect(readdirSync(folder.path)).toEqual(["target"])
  })

  test("does nothing where nothing was cut off", async () => {
    await using folder = await temporaryFolder()
    await healInPlace(join(folder.path, "target"))
    expect(readdirSync(folder.path)).toEqual([])
  })
})

test("isMixture() knows no third content", () => {
  expect(isMixture(old, old, young)).toBe(true)
  expect(isMixture(young, old, young)).toBe(true)
  expect(isMixture(Buffer.from("x".repeat(old.length)), old, young)).toBe(false)
  expect(isMixture(Buffer.alloc(old.length), old, young)).toBe(false)
})
