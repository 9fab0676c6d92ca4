import { describe, expect, test } from "bun:test"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Credential, Finding } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { open } from "./harness.ts"

const current: Credential = {
  version: "v1",
  fields: { password: new Secret("password", "old-value") },
}

async function found(
  written: Parameters<typeof open>[0],
  version = current,
  folder = "/",
): Promise<readonly Finding[]> {
  return open(written, folder).preflight(
    { current: version, uncertain: [] },
    AbortSignal.timeout(10_000),
  )
}
const codes = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ severity, code }) => `${severity} ${code}`)

describe("exec, preflight", () => {
  test("of a program that agrees with the config finds only that it cannot end sessions", async () => {
    expect(codes(await found({}))).toEqual(["info sessions-out-of-reach"])
  })

  test("says in a sentence where config and program disagree", async () => {
    const [first] = await found({ env: { ODD: "other", ODD_AT: "describe" } })
    expect(first).toMatchObject({
      code: "exec-disagrees",
      severity: "error",
      message: expect.stringContaining("holds pair, the config says one"),
      remedy: "write holds: pair, if that is what the service does",
    })
  })

  test("refuses a program that cannot log in, unless its word is trusted; then it is a warning", async () => {
    const blind = { holds: "two", env: { PROBE: "false" } }
    const [first] = await found(blind)
    expect(first).toMatchObject({
      code: "exec-cannot-probe",
      severity: "error",
      remedy: expect.stringContaining("trust_apply: true"),
    })
    expect(codes(await found({ ...blind, trust_apply: true }))).toEqual([
      "warning exec-unproven",
      "info sessions-out-of-reach",
    ])
    const [one] = await found({ env: { PROBE: "false" } })
    expect(one).toMatchObject({ code: "exec-cannot-probe", remedy: "teach the program to verify" })
  })

  test("does not trust a word where a login can be had", async () => {
    expect(codes(await found({ holds: "two", trust_apply: true }))).toEqual([
      "error exec-trust-needless",
      "info sessions-out-of-reach",
    ])
  })

  test("names a field that is lacking, and a user that is another one's", async () => {
    expect(codes(await found({ env: { ODD: "fields", ODD_AT: "describe" } }))).toContain(
      "error exec-user-missing",
    )
    expect(
      codes(
        await found(
          { user: "shop", env: { ODD: "fields", ODD_AT: "describe" } },
          { ...current, fields: { ...current.fields, user: "shop" } },
        ),
      ),
    ).toEqual(["info sessions-out-of-reach"])
    expect(codes(await found({ env: { ODD: "strange", ODD_AT: "describe" } }))).toContain(
      "error exec-field-unknown",
    )
    expect(codes(await found({ user: "other" }))).toEqual(["error user-differs"])
    expect(
      codes(
        await found(
          { holds: "pair", users: ["blue", "green"] },
          { ...current, fields: { ...current.fields, user: "green" } },
        ),
      ),
    ).toEqual(["info sessions-out-of-reach"])
  })

  test("turns what is for a person into a finding, and throws what may pass", async () => {
    expect(codes(await found({ command: ["/nowhere/key"] }))).toEqual(["error program-missing"])
    expect(codes(await found({ env: { ODD: "garbage", ODD_AT: "describe" } }))).toEqual([
      "error exec-unclear",
    ])
    await expect(found({ env: { ODD: "later", ODD_AT: "describe" } })).rejects.toMatchObject({
      code: "exec-later",
    })
  })

  test("refuses a program that everybody can change", async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, "key")
    await writeFile(path, `#!/bin/sh\necho '{"mycelium":1,"holds":"one","probe":true}'\n`)
    await chmod(path, 0o777)
    expect(codes(await found({ command: ["./key"] }, current, folder.path))).toEqual([
      "error exec-program-open",
    ])
    await chmod(path, 0o755)
    expect(codes(await found({ command: ["./key"] }, current, folder.path))).toEqual([
      "info sessions-out-of-reach",
    ])
  })
})
