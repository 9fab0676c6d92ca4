import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { Entry, EntryWrite, Landed } from "../../../src/core/entry.ts"
import type { IssuedVersions, Output } from "../../../src/core/ports.ts"
import { openEntry } from "../../../src/plugins/outputs/entry/output.ts"
import {
  contentsOf,
  heldIn,
  putBack,
  spliced,
  taken,
} from "../../../src/plugins/outputs/entry/contents.ts"
import { runs } from "../../support/fuzzed.ts"
import { errorOf } from "../../support/error-of.ts"
import { fresh, knownOf, never, valuesOf } from "./conformance/harness.ts"

/** What all entries of secret managers have in common, at an entry in memory. */
class Memory {
  text: string | undefined
  version = 1
  readonly sent: EntryWrite[] = []
  /** What the next answers are; a write that is refused or unknown changes nothing. */
  answers: Landed[] = []
  /** Before each look: someone else is at work. */
  beforeWrite: () => void = () => undefined

  constructor(text: string | undefined) {
    this.text = text
  }

  open(variables: Readonly<Record<string, string>>, more: { readonly create?: true } = {}): Output {
    const entry: Entry = {
      id: "mem:shop",
      label: "the entry shop",
      mark: async () => (this.text === undefined ? undefined : String(this.version)),
      read: async () =>
        this.text === undefined
          ? undefined
          : { bytes: Buffer.from(this.text), mark: String(this.version) },
      write: async (write) => this.#write(write),
    }
    return openEntry({ entry, variables, ...more })
  }

  #write(write: EntryWrite): Landed {
    this.sent.push(write)
    this.beforeWrite()
    const answer = this.answers.shift()
    if (answer !== undefined) return answer
    const at = this.text === undefined ? undefined : String(this.version)
    if (write.over !== at) return { is: "refused", reason: "another version" }
    this.become(Buffer.from(write.bytes).toString())
    return { is: "done", mark: String(this.version) }
  }

  become(text: string): void {
    this.text = text
    this.version++
  }
}

const shown = { user: "{{ db.user }}", password: "{{ db.password }}" }
const signal = new AbortController().signal
const tokenOf = (content: Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(content).digest("hex")

async function deliver(output: Output, values = fresh(), issued: IssuedVersions = knownOf(values)) {
  const draft = await output.prepare(valuesOf(values), issued, never)
  return { draft, landed: await draft.commit(tokenOf, signal) }
}
function passwordOf(text: string | undefined): unknown {
  return (JSON.parse(text ?? "{}") as Record<string, unknown>)["password"]
}
const password = "s3cret"

describe("an entry of a secret manager", () => {
  test("planning writes nothing, ever", async () => {
    const memory = new Memory('{"password":""}')
    const draft = await memory.open(shown).prepare(valuesOf(fresh()), knownOf(), never)
    expect(draft).toMatchObject({ changed: true, changes: ["user", "password"] })
    await draft.discard()
    expect(memory.sent).toEqual([])
  })

  test("what is not ours stays as it is, byte for byte", async () => {
    const others = '{ "n" : 12345678901234567890, "f":1.0 ,"d":{"password":"x","a":[1,{"b":2}]}'
    const memory = new Memory(`${others}, "password" : "" }\n`)
    await deliver(memory.open(shown))
    const text = memory.text ?? ""
    expect(text.startsWith(`${others}, "password" : "`)).toBe(true)
    expect(text.endsWith(" }\n")).toBe(true)
    expect(JSON.parse(text)).toMatchObject({ user: "shop", f: 1, d: { password: "x" } })
  })

  test("any object keeps all that is not ours, and comes back byte for byte", () => {
    const key = fc.string({ unit: "binary" }).filter((text) => !(text in shown))
    const objects = fc.dictionary(key, fc.jsonValue())
    const value = fc
      .string({ unit: "grapheme" })
      .map((text) => Buffer.from(text).toString("latin1"))
    const ours = fc.dictionary(fc.constantFrom("user", "password"), fc.constant(""))
    const property = fc.property(objects, ours, value, fc.nat(3), (others, own, text, indent) => {
      const before = JSON.stringify({ ...others, ...own }, undefined, indent)
      const names = Object.keys(shown)
      const former = contentsOf(Buffer.from(before), "it")
      const next = spliced(former, new Map([["password", text]]), "it")
      const now = contentsOf(Buffer.from(next), "it")
      expect(heldIn(now, ["password"], "it").get("password")?.value).toBe(text)
      const rest = JSON.parse(next) as Record<string, unknown>
      delete rest["password"]
      const kept = { ...others, ...("user" in own ? { user: "" } : {}) }
      expect(JSON.stringify(rest)).toBe(JSON.stringify(JSON.parse(JSON.stringify(kept))))
      expect(putBack(now, former, names)).toBe(before)
      expect(Object.keys(JSON.parse(taken(next, names)) as object)).toEqual(
        Object.keys(JSON.parse(JSON.stringify(others)) as object),
      )
    })
    fc.assert(property, runs(500))
  })

  test("goes back byte for byte, and keeps what others have written since", async () => {
    const before = '{ "a": 1 , "password": "" }'
    const memory = new Memory(before)
    const output = memory.open(shown)
    await deliver(output)
    const after = memory.text ?? ""
    const back = await output.restore(Buffer.from(before), never)
    await back.commit(tokenOf, signal)
    expect(memory.text).toBe(before)
    memory.become(after.replace('"a": 1', '"a": 2'))
    await (await output.restore(Buffer.from(before), never)).commit(tokenOf, signal)
    expect(JSON.parse(memory.text ?? "")).toEqual({ a: 2, password: "" })
  })

  test("is never made unless that is asked for, and never deleted", async () => {
    const none = new Memory(undefined)
    const output = none.open(shown)
    const error = await errorOf(output.prepare(valuesOf(fresh()), knownOf(), never))
    expect(error).toMatchObject({ code: "entry-missing", message: "there is no entry shop" })
    expect((await errorOf(output.restore(Buffer.from("{}"), never))).code).toBe("entry-missing")
    const made = none.open(shown, { create: true })
    await deliver(made)
    expect(Object.keys(JSON.parse(none.text ?? "") as object)).toEqual(["user", "password"])
    const back = await made.restore(undefined, never)
    expect(back.removes).toBeUndefined()
    await back.commit(tokenOf, signal)
    expect(none.text).toBe("{}")
  })

  test("a value that no version explains is not overwritten, nor what is no text", async () => {
    for (const text of ['{"password":"hunter2"}', '{"password":{"a":"hunter2"}}']) {
      const memory = new Memory(text)
      const error = await errorOf(memory.open(shown).prepare(valuesOf(fresh()), knownOf(), never))
      expect(error.code).toBe("output-drift")
      expect(`${error.message} ${error.hint}`).not.toContain("hunter2")
    }
  })

  test("what is no JSON object, or holds one of our keys twice, is refused, and nothing of it is said", async () => {
    for (const [text, code] of [
      ["hunter2", "output-unreadable"],
      ['["hunter2"]', "output-unreadable"],
      ['{"password":"hunter2","password":""}', "output-key-twice"],
    ] as const) {
      const memory = new Memory(text)
      const error = await errorOf(memory.open(shown).prepare(valuesOf(fresh()), knownOf(), never))
      expect(error.code).toBe(code)
      expect(`${error.message} ${error.hint}`).not.toContain("hunter2")
    }
  })

  test("a write of others between look and write is kept, and ours lands beside it", async () => {
    const memory = new Memory('{"password":""}')
    let times = 0
    memory.beforeWrite = () => {
      if (times++ === 0) memory.become('{"password":"","theirs":"1"}')
    }
    const { landed } = await deliver(memory.open(shown))
    expect(landed).toEqual({ is: "done", mark: "3" })
    expect(JSON.parse(memory.text ?? "")).toMatchObject({ theirs: "1", user: "shop" })
  })

  test("one who writes there again and again, and a manager that says no, are refused", async () => {
    const busy = new Memory('{"password":""}')
    busy.beforeWrite = () => busy.become(`{"password":"","n":"${busy.version}"}`)
    expect((await deliver(busy.open(shown))).landed).toMatchObject({ is: "refused" })
    const closed = new Memory('{"password":""}')
    closed.answers = [{ is: "refused", reason: `no right to write ${password}` }]
    const { landed } = await deliver(closed.open(shown))
    expect(landed).toEqual({
      is: "refused",
      reason: expect.stringMatching(/^the entry shop: no right to write/) as unknown as string,
    })
    expect(closed.sent).toHaveLength(1)
  })

  test("what a manager says of a value is hidden", async () => {
    const memory = new Memory('{"password":""}')
    const values = fresh()
    const output = memory.open(shown)
    const draft = await output.prepare(valuesOf(values), knownOf(values), never)
    const value = String(passwordOf(Buffer.from(draft.bytes).toString()))
    memory.answers = [{ is: "unknown", reason: `500: ${value}` }]
    const landed = await draft.commit(tokenOf, signal)
    expect(JSON.stringify(landed)).not.toContain(value)
  })

  test("a lost answer is settled by a look: it landed, or is written again", async () => {
    for (const lands of [true, false]) {
      const memory = new Memory('{"password":""}')
      memory.answers = [{ is: "unknown", reason: "timeout" }]
      const { draft, landed } = await deliver(memory.open(shown))
      expect(landed).toMatchObject({ is: "unknown" })
      if (lands) memory.become(Buffer.from(draft.bytes).toString())
      expect(await draft.settle?.(tokenOf, signal)).toEqual({ is: "done", mark: "2" })
      expect(memory.sent).toHaveLength(lands ? 1 : 2)
      expect(new Set(memory.sent.map(({ token }) => token)).size).toBe(1)
    }
  })

  test("if one of our writes may still land, the entry is written once more", async () => {
    const memory = new Memory('{"password":""}')
    const output = memory.open(shown)
    const { draft: first } = await deliver(output)
    const again = await output.restore(first.bytes, never, { again: true })
    expect(again.changed).toBe(true)
    expect(await again.commit(tokenOf, signal)).toEqual({ is: "done", mark: "3" })
    expect(await output.restore(first.bytes, never)).toMatchObject({ changed: false })
  })

  test("compares and adopts", async () => {
    const memory = new Memory('{"password":""}')
    const output = memory.open(shown)
    const values = fresh()
    expect(await output.compare(valuesOf(values), never)).toBe("missing")
    await deliver(output, values)
    expect(await output.compare(valuesOf(values), never)).toBe("same")
    expect((await output.adopt(["db"]))["db"]).toMatchObject({ user: "shop" })
    memory.become('{"user":"other","password":"x"}')
    expect(await output.compare(valuesOf(values), never)).toBe("differs")
  })
})
