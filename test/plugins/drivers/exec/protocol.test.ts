import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Credential } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { verbs } from "../../../../src/plugins/drivers/exec/protocol.ts"
import { source } from "../../../support/running.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { open } from "./harness.ts"

/** By verb: the keys that a page tells the author of a program about. */
function toldBy(page: string): Readonly<Record<string, readonly string[]>> {
  const text = readFileSync(join(source, page), "utf8")
  const table = text.slice(text.indexOf("| verb |")).split("\n\n")[0] ?? ""
  const rows = table.split("\n").slice(2)
  return Object.fromEntries(
    rows.map((row) => {
      const [, verb = "", given = ""] = row.split("|")
      return [wordsIn(verb)[0] ?? "", wordsIn(given)]
    }),
  )
}

function wordsIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([\w-]+)`/g)].map(([, word = ""]) => word)
}

const known = (version: string): Credential => ({
  version,
  fields: { password: new Secret("password", `value-of-${version}`) },
})

/** Every question that the driver can ask, as its program is given it. */
async function questions(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "program")
  const answer = `{"mycelium":1,"holds":"two","probe":true,"forgets":true,"ends_sessions":true,"answer":"accepted"}`
  await writeFile(path, `#!/bin/sh\ncat >> asked\necho '${answer}'\n`, { mode: 0o700 })
  const driver = open({ command: [path], holds: "two" }, folder.path)
  const soon = (): AbortSignal => AbortSignal.timeout(10_000)
  const [v1, v2] = [known("v1"), known("v2")]
  await driver.preflight({ current: v1, uncertain: [] }, soon())
  const all = { current: v1, previous: known("v0"), pending: v2, uncertain: [known("v9")] }
  await driver.apply(v2, all, soon())
  await driver.probe(v2, soon())
  await driver.revoke(v1, v2, { endSessions: true }, soon())
  await driver.deleteLogin?.([v1, v2], soon())
  return readFileSync(join(folder.path, "asked"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
}

const always = ["mycelium", "verb", "secret", "holds", "credentials"]

test.each(["manual/exec.md", "plugins/drivers/README.md"])(
  "%s names each verb that a program is asked, and each key that it is given",
  async (page) => {
    const told = toldBy(page)
    expect(Object.keys(told).toSorted()).toEqual([...verbs].toSorted())
    const asked = await questions()
    expect([...new Set(asked.map(({ verb }) => String(verb)))].toSorted()).toEqual(
      [...verbs].toSorted(),
    )
    for (const question of asked) {
      const keys = Object.keys(question).filter((key) => !always.includes(key))
      expect([
        question["verb"],
        keys.filter((key) => !told[String(question["verb"])]?.includes(key)),
      ]).toEqual([question["verb"], []])
    }
  },
)
