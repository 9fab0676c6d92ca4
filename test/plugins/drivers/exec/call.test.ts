import { describe, expect, test } from "bun:test"
import { readFile, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Credential, Versions } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { errorOf } from "../../../support/error-of.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { traces } from "../conformance/traces.ts"
import { open } from "./harness.ts"
import { KeyService } from "./key-service.ts"

const next: Credential = {
  version: "v2",
  fields: { user: "shop", password: new Secret("password", 'odd "value" %+/') },
}
const current: Credential = {
  version: "v1",
  fields: { user: "shop", password: new Secret("password", "old-value") },
  acceptedAt: "2026-01-01T00:00:00Z",
}
const versions: Versions = { current, pending: next, uncertain: [] }
const soon = (ms = 10_000): AbortSignal => AbortSignal.timeout(ms)

type Note = {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly asked: Readonly<Record<string, unknown>>
}

async function notes(folder: string): Promise<readonly Note[]> {
  const names = (await readdir(folder)).filter((name) => /^\d/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as Note),
  )
}

describe("exec, a call", () => {
  test("hands values over on stdin, and in no argument and no variable", async () => {
    await using folder = await temporaryFolder()
    await using service = await KeyService.start(2)
    const driver = open({
      holds: "two",
      user: "shop",
      credentials: { admin: { file: "admin" } },
      env: { SERVICE: service.url, NOTE: folder.path },
    })
    const { acceptedAt } = await driver.apply(next, versions, soon())
    expect(Date.parse(acceptedAt ?? "")).toBeGreaterThan(0)
    const [note] = await notes(folder.path)
    expect(note?.asked).toEqual({
      mycelium: 1,
      verb: "apply",
      secret: "production/main",
      holds: "two",
      next: { version: "v2", user: "shop", password: 'odd "value" %+/' },
      current: {
        version: "v1",
        user: "shop",
        password: "old-value",
        accepted_at: "2026-01-01T00:00:00Z",
      },
      pending: { version: "v2", user: "shop", password: 'odd "value" %+/' },
      uncertain: [],
      credentials: { admin: "of-the-admin" },
    })
    expect(
      Object.keys(note?.env ?? {}).filter(
        (name) => !["PATH", "SERVICE", "NOTE", "MYCELIUM_RUN", "HOME", "LANG", "TZ"].includes(name),
      ),
    ).toEqual([])
    expect(traces(JSON.stringify([note?.argv, note?.env]), [current, next])).toEqual([])
    expect(JSON.stringify([note?.argv, note?.env])).not.toContain("of-the-admin")
  })

  test("of describe carries no value at all", async () => {
    await using folder = await temporaryFolder()
    await open({
      user: "shop",
      credentials: { admin: { file: "admin" } },
      env: { NOTE: folder.path },
    }).preflight(versions, soon())
    const [note] = await notes(folder.path)
    expect(note?.asked).toEqual({
      mycelium: 1,
      verb: "describe",
      secret: "production/main",
      holds: "one",
    })
  })

  test.each([
    ["exit", "exec-failed", "ask-operator"],
    ["later", "exec-later", "retry"],
    ["killed", "exec-killed", "retry"],
    ["message", "exec-failed", "ask-operator"],
    ["silent", "exec-unclear", "ask-operator"],
    ["garbage", "exec-unclear", "ask-operator"],
    ["two", "exec-unclear", "ask-operator"],
    ["long", "exec-unclear", "ask-operator"],
    ["foreign", "exec-unclear", "ask-operator"],
    ["shape", "exec-unclear", "ask-operator"],
    ["old", "exec-protocol", "ask-operator"],
    ["refused", "refused-by-policy", "give-up"],
  ] as const)(
    "that ends in %p is %p, remedy %p, and repeats nothing of it",
    async (odd, code, remedy) => {
      const error = await errorOf(
        open({ env: { ODD: odd, SERVICE: "http://127.0.0.1:1/" } }).apply(next, versions, soon()),
      )
      expect(error).toMatchObject({ code, remedy })
      expect(traces(Bun.inspect(error) + (error.hint ?? ""), [current, next])).toEqual([])
    },
  )

  test("that takes too long is ended, also where it is deaf to TERM, and the deadline is kept", async () => {
    await using folder = await temporaryFolder()
    const driver = open({ timeout: "400ms", env: { ODD: "hangs", NOTE: folder.path } })
    expect(await errorOf(driver.apply(next, versions, soon()))).toMatchObject({
      code: "program-timeout",
      remedy: "retry",
    })
    expect(
      await errorOf(open({ env: { ODD: "hangs" } }).apply(next, versions, soon(400))),
    ).toMatchObject({ code: "program-timeout" })
  }, 15_000)

  test("of a program that is not there, or not executable", async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, "plain"), "no program", { mode: 0o600 })
    expect(
      await errorOf(open({ command: ["/nowhere/key"] }).apply(next, versions, soon())),
    ).toMatchObject({ code: "program-missing" })
    expect(
      await errorOf(open({ command: ["./plain"] }, folder.path).apply(next, versions, soon())),
    ).toMatchObject({ code: "program-failed" })
    expect(await open({ command: ["/nowhere/key"] }).probe(next, soon())).toBe("unknown")
  })

  test.each(["later", "exit", "garbage", "shape", "unknown", "killed"])(
    "verify that ends in %p is unknown",
    async (odd) => {
      expect(await open({ env: { ODD: odd, ODD_AT: "verify" } }).probe(next, soon())).toBe(
        "unknown",
      )
    },
  )

  test("of end-sessions is not made where the program has no such verb", async () => {
    await using service = await KeyService.start(2)
    const driver = open({ holds: "two", env: { SERVICE: service.url } })
    expect(
      await errorOf(driver.revoke(current, next, { endSessions: true }, soon())),
    ).toMatchObject({ code: "sessions-out-of-reach" })
    expect(service.log).toEqual(["drop shop"])
  })
})
