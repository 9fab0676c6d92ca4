import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { AppError } from "../../src/base/error.ts"
import { formatDuration, parseDuration } from "../../src/base/text/duration.ts"
import { Duration } from "../../src/config/value-types.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { call, makeTarget } from "../../src/plugins/drivers/exec/call.ts"
import { exec } from "../../src/plugins/drivers/exec/index.ts"
import { Applied, Described, Ended, Verified } from "../../src/plugins/drivers/exec/protocol.ts"
import { reachWith, soon } from "../plugins/drivers/postgres/harness.ts"
import {
  credential,
  db,
  issued,
  never,
  opened,
  put,
  text,
} from "../plugins/outputs/dotenv/opened.ts"
import { answered, bytes, mutated, runs } from "../support/fuzzed.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/** Texts that people and programs write. */

describe("parseDuration()", () => {
  const piece = fc
    .tuple(fc.nat({ max: 999_999_999 }), fc.constantFrom("ms", "s", "m", "h", "d", "w"))
    .map(([count, unit]) => `${count}${unit}`)
  test("answers any text with a number of milliseconds or with nothing; a config takes none that a clock cannot be moved by", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 6 }).map((parts) => parts.join("")),
          mutated("1h30m"),
        ),
        (words) => {
          const ms = parseDuration(words)
          if (ms === undefined) return
          expect([words, Number.isFinite(ms), ms >= 0]).toEqual([words, true, true])
          const { data } = Duration().safeParse(words)
          if (data === undefined) return
          expect([
            data,
            Number.isNaN(new Date(Date.parse("2026-01-01T00:00:00Z") + data).getTime()),
          ]).toEqual([ms, false])
          expect(formatDuration(data)).toMatch(/^(\d+[dhms])( \d+[dhms])?$/)
        },
      ),
      runs(3000),
    )
  })
})

describe("parseSchedule()", () => {
  const field = fc.oneof(
    fc.constantFrom(
      "*",
      "*/5",
      "0",
      "59",
      "1-5",
      "L",
      "W",
      "15W",
      "SUN",
      "MON#2",
      "5#3",
      "?",
      "1,2,3",
      "*/0",
      "0-99",
      "-1",
      "31",
      "FEB",
      "@",
      "+",
    ),
    fc.string({ maxLength: 4 }),
  )
  const pattern = fc.oneof(
    fc.array(field, { minLength: 1, maxLength: 8 }).map((fields) => fields.join(" ")),
    fc.string(),
    fc.constantFrom("@daily", "@reboot", "0 0 30 2 *", "0 0 29 2 *", "2026-01-01T00:00:00", ""),
  )
  const zone = fc.oneof(
    fc.constantFrom(
      "UTC",
      "Europe/Berlin",
      "Pacific/Apia",
      "Antarctica/Troll",
      "GMT+1",
      "",
      "../etc",
    ),
    fc.string({ maxLength: 10 }),
  )
  test("answers any pattern and zone with ticks on both sides, in time, or with what is wrong", () => {
    const at = new Date("2026-03-29T00:30:00Z")
    fc.assert(
      fc.property(pattern, zone, (words, timezone) => {
        const began = performance.now()
        const schedule = parseSchedule(words, timezone)
        if ("problem" in schedule) return expect(schedule.problem).not.toMatch(/\n|undefined|Error/)
        const next = schedule.next(at)
        const previous = schedule.previous(at)
        if (next !== undefined) expect(next.getTime()).toBeGreaterThan(at.getTime())
        if (previous !== undefined) expect(previous.getTime()).toBeLessThanOrEqual(at.getTime())
        expect(performance.now() - began).toBeLessThan(5000)
      }),
      runs(1500),
    )
  }, 60_000)
})

describe("what a program of the exec driver answers", () => {
  const right =
    '{"mycelium":1,"holds":"two","probe":true,"answer":"accepted","accepted_at":"2026-01-01T00:00:00Z","ended":3}'
  test("is understood, or refused without a word of it", async () => {
    await using folder = await temporaryFolder()
    const answer = join(folder.path, "answer")
    const place = makeTarget(exec.options.parse({ command: ["/bin/cat", answer], holds: "two" }), {
      ...reachWith("none", folder.path),
      run: { id: "run1", clock: "", since: 0 },
    })
    const shapes = {
      describe: Described,
      apply: Applied,
      verify: Verified,
      "end-sessions": Ended,
    } as const
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...(Object.keys(shapes) as (keyof typeof shapes)[])),
        fc.oneof(
          mutated(right),
          fc.json(),
          bytes(300).map((all) => Buffer.from(all).toString("latin1")),
        ),
        async (verb, said) => {
          await Bun.write(answer, said)
          const result = await answered(() =>
            call(place, { verb, about: {}, answer: shapes[verb] }, soon()),
          )
          if (result instanceof AppError)
            return expect(
              said.length > 7 && `${result.message}${result.hint ?? ""}`.includes(said),
            ).toBe(false)
          expect((JSON.parse(said) as { mycelium: number }).mycelium).toBe(1)
        },
      ),
      runs(150),
    )
  }, 60_000)
})

const readers = [
  "portable",
  "compose",
  "docker",
  "systemd",
  "shell",
  "node",
  "bun",
  "python",
] as const
const pieces = [
  "PASSWORD=",
  "PASSWORD",
  "OTHER=x",
  "=",
  "'",
  '"',
  "\\",
  "#",
  " ",
  "\n",
  "\r\n",
  "export ",
  "$",
  "${A}",
  "$(id)",
  "`",
  "\0",
  "\uFEFF",
  "\t",
  "old-value-of-db.1",
  "PASSWORD='a\nb'",
  "  PASSWORD = x",
  "\u2028",
]
const files = fc.oneof(
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 5 })), { maxLength: 14 })
    .map((parts) => Buffer.from(parts.join(""))),
  bytes(120).map((all) => Buffer.from(all)),
  mutated('# the shop\nPORT=8080\nPASSWORD=old-value-of-db.1\nGREETING="hello, world"\n').map(
    (words) => Buffer.from(words),
  ),
)

describe("a .env of any content", () => {
  test("gets our value and keeps every other line, byte for byte, or is refused and left as it is", async () => {
    await using folder = await temporaryFolder()
    const [was, made] = ["old-value-of-db.1", "New-value-of-db.2"]
    await fc.assert(
      fc.asyncProperty(files, fc.constantFrom(...readers), async (content, reader) => {
        put(folder.path, content)
        const output = opened(folder.path, { merge: true, for: reader })
        const before = content.toString("latin1")
        await answered(() => output.adopt(["db"]), [made])
        const draft = await answered(
          () => output.prepare(db(made), issued(was, made), never),
          [was, made],
        )
        expect(text(folder.path)).toBe(before)
        if (draft instanceof AppError) return
        await draft.commit()
        const after = text(folder.path)
        // All that stands before our first line and after our last one is still there.
        const first = before.indexOf("PASSWORD")
        expect(after.startsWith(first < 0 ? before : before.slice(0, first))).toBe(true)
        if (first >= 0 && !/['"\\`$]/.test(before))
          expect(after).toContain(
            /\n([^]*)/.exec(before.slice(before.lastIndexOf("PASSWORD")))?.[1] ?? "",
          )
        expect((await output.adopt(["db"]))["db"]?.["password"]).toBe(made)
        expect(await output.compare(db(made), never)).toBe("same")
        // The same again changes nothing.
        expect((await output.prepare(db(made), issued(was, made), never)).changed).toBe(false)
        // And the way back is byte for byte.
        await (await output.restore(content, never)).commit()
        expect(text(folder.path)).toBe(before)
      }),
      runs(500),
    )
  }, 120_000)

  test("of which a value is in no version is never overwritten", async () => {
    await using folder = await temporaryFolder()
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(..."abcXYZ0189-._") }),
        async (foreign) => {
          put(folder.path, `PASSWORD=${foreign}\n`)
          const output = opened(folder.path, { merge: true })
          const result = await answered(
            () =>
              output.prepare(
                db("New-value-of-db.2"),
                async () => [credential("v1", { password: "old-value-of-db.1" })],
                never,
              ),
            [foreign],
          )
          expect(result instanceof AppError ? result.code : "taken").toBe("output-drift")
          expect(readFileSync(join(folder.path, ".env"), "utf8")).toBe(`PASSWORD=${foreign}\n`)
        },
      ),
      runs(100),
    )
  })
})
