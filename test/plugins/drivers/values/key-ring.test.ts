import { expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Credential, Fields } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { shownField } from "../../../../src/core/shown-field.ts"
import { generated } from "../../../../src/plugins/drivers/generated.ts"
import { dotenv } from "../../../../src/plugins/outputs/dotenv/index.ts"
import { text } from "../conformance/harness.ts"

type Options = Readonly<Record<string, unknown>>

function draft(options: Options, current: Fields | undefined, contain?: boolean): Fields {
  const driver = generated.open(generated.options.parse(options), undefined as never)
  return driver.generate(
    {
      uncertain: [],
      ...(current === undefined ? {} : { current: { version: "v1", fields: current } }),
    },
    text,
    contain,
  )
}

function shows(fields: Fields, field: string): string {
  const value = shownField(fields, field)
  return value instanceof Secret ? value.reveal() : String(value)
}

const ring = { keep_previous: true }

test("each version holds the value before it, and no older one", () => {
  const first = draft(ring, undefined)
  const second = draft(ring, first)
  const third = draft(ring, second)
  expect(Object.keys(first)).toEqual(["password"])
  expect(shows(second, "previous")).toBe(shows(first, "password"))
  expect(shows(third, "previous")).toBe(shows(second, "password"))
  expect(new Set([first, second, third].map((fields) => shows(fields, "password"))).size).toBe(3)
})

test("a first version, and one made in an incident, hold no other value and show their own in its place, never nothing", () => {
  const first = draft(ring, undefined)
  const contained = draft(ring, draft(ring, first), true)
  for (const fields of [first, contained]) {
    expect(Object.keys(fields)).toEqual(["password"])
    expect(shows(fields, "previous")).toBe(shows(fields, "password"))
    expect(shows(fields, "previous")).not.toBe("")
  }
})

test("without keep_previous no version holds another's value, and no template may ask for it", () => {
  expect(Object.keys(draft({}, draft(ring, undefined)))).toEqual(["password"])
  expect(generated.moreFields?.(generated.options.parse({}))).toEqual([])
  expect(generated.moreFields?.(generated.options.parse(ring))).toEqual(["previous"])
})

test("an output shows both; what it shows is known, and can be taken over", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ring-"))
  try {
    const options = dotenv.options.parse({
      dotenv: ".env",
      variables: { KEY: "{{ key.password }}", KEY_PREVIOUS: "{{ key.previous }}" },
    })
    const output = dotenv.open(options, { folder, label: "production" })
    const versions: Credential[] = []
    for (const id of ["v1", "v2", "v3"]) {
      versions.push({ version: id, fields: draft(ring, versions.at(-1)?.fields) })
      const [now] = versions.slice(-1)
      if (now === undefined) throw new Error("no version")
      // What stands there is of a version that is known, or it would not be overwritten.
      const prepared = await output.prepare(
        { key: now },
        () => Promise.resolve(versions),
        new AbortController().signal,
      )
      await prepared.commit()
      expect(await output.compare({ key: now }, new AbortController().signal)).toBe("same")
      expect(await output.adopt(["key"])).toEqual({
        key: { password: shows(now.fields, "password"), previous: shows(now.fields, "previous") },
      })
    }
    const [, second, third] = versions.map(({ fields }) => shows(fields, "password"))
    expect(readFileSync(join(folder, ".env"), "utf8")).toEndWith(
      `KEY=${third}\nKEY_PREVIOUS=${second}\n`,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
