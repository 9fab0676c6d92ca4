import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import type { StateDocument } from "../../src/core/state.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { expectRefused } from "./refused.ts"

/** A state that was edited: noticed by every command that opens a value, and never overwritten. */

let server: PostgresServer
let shop: Shop
let good: Buffer
beforeAll(async () => {
  server = await startPostgres()
  shop = await openShop(server)
  await shop.adopt()
  const { code, stderr } = await shop.run("rotate-now", "production")
  if (code !== 0) throw new Error(stderr)
  good = readFileSync(shop.project.statePath())
}, 30_000)
afterAll(async () => {
  await shop[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const commands = [
  ["rotate-now", "production"],
  ["rotate-now", "production", "--dry-run"],
  ["rotate-now", "production", "--new"],
  ["adopt", "production"],
  ["render", "production"],
]

async function withState(bytes: string | Uint8Array, message: string, hint: string): Promise<void> {
  const path = shop.project.statePath()
  const now = readFileSync(path)
  writeFileSync(path, bytes)
  try {
    for (const args of commands)
      await expectRefused(shop, args, { code: 7, message: `${path} ${message}`, hint })
  } finally {
    writeFileSync(path, now)
  }
}

function edited(change: (document: Mutable<StateDocument>) => void): string {
  const document = JSON.parse(good.toString()) as Mutable<StateDocument>
  change(document)
  return `${JSON.stringify(document, null, 1)}\n`
}
type Mutable<T> = T extends object ? { -readonly [Key in keyof T]: Mutable<T[Key]> } : T

describe("a state file", () => {
  test("that is cut in half is refused, and stays for a person who opens its values by hand", async () => {
    await withState(
      good.subarray(0, good.length / 2),
      "is damaged or cut off",
      "restore it from a backup",
    )
    await withState("", "is damaged or cut off", "restore it from a backup")
    await withState("{}", "is damaged or cut off", "restore it from a backup")
  })

  test("in which one byte of metadata was changed is refused", async () => {
    const text = good.toString()
    const at = text.indexOf('"rotatedAt": "2')
    expect(at).toBeGreaterThan(0)
    await withState(
      text.replace('"rotatedAt": "2', '"rotatedAt": "3'),
      "was edited",
      "restore it from a backup, with the keys.age of the same store",
    )
  })

  test("in which two sealed values were swapped is refused", async () => {
    const swapped = edited(({ secrets }) => {
      const [one, two] = secrets["postgres"]?.versions ?? []
      if (one === undefined || two === undefined) throw new Error("two versions were expected")
      ;[one.sealed, two.sealed] = [two.sealed, one.sealed]
      ;[one.fingerprints, two.fingerprints] = [two.fingerprints, one.fingerprints]
    })
    await withState(swapped, "was edited", "restore it from a backup")
  })

  test("whose MAC is as long as one, and no text of one, is refused", async () => {
    await withState(
      edited((document) => void (document.mac = "é".repeat(document.mac.length))),
      "was edited",
      "restore it from a backup",
    )
  })

  test("that is not signed puts no control character into a terminal", async () => {
    const now = readFileSync(shop.project.statePath())
    writeFileSync(
      shop.project.statePath(),
      edited(
        ({ secrets }) =>
          void Object.assign(secrets["postgres"] ?? {}, {
            retry: {
              failures: 1,
              notBefore: "2020-01-01T00:00:00Z",
              code: "x",
              message: "a\x1b]0;b\x07\x9b31m\u202ec\n! forged",
            },
          }),
      ),
    )
    const [text, json] = [await shop.run("status"), await shop.run("status", "--json")]
    writeFileSync(shop.project.statePath(), now)
    expect(text.stdout).toContain("a\\u001b]0;b\\u0007\\u009b31m\\u202ec")
    expect(text.stdout + json.stdout).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u)
    expect(text.stdout).toContain("\\u202ec ! forged")
    expect(JSON.stringify(JSON.parse(json.stdout))).toContain("\u202ec")
  })

  test("whose journal was taken out is refused", async () => {
    await withState(
      edited((document) => void (document.serial += 1)),
      "was edited",
      "restore it from a backup",
    )
  })

  test("of a newer mycelium is refused untouched", async () => {
    await withState(
      edited((document) => void Object.assign(document, { format: 2 })),
      "was written by a newer mycelium (format 2)",
      "upgrade this mycelium",
    )
  })

  test("of another environment is refused", async () => {
    const { project } = shop
    const { production } = configOf(shop).environments
    const staging = {
      rotate_every: "90d",
      secrets: { key: "generated" },
      outputs: [{ dotenv: "staging.env", variables: { KEY: "{{ key.password }}" } }],
    }
    project.configure({ ...configOf(shop), environments: { production, staging } })
    const path = project.statePath("staging")
    copyFileSync(project.statePath(), path)
    const refusal = {
      code: 7,
      message: `${path} is the state of shop/production`,
      hint: "it was moved or copied here",
      mayChange: /staging\.lock$/,
    }
    await expectRefused(shop, ["rotate-now", "staging", "--new"], refusal)
    await expectRefused(shop, ["status"], refusal)
    rmSync(path)
    project.configure(configOf(shop))
  })

  test("that is an older copy is told by its log, and so is one that was lost", async () => {
    const { project } = shop
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    await withState(
      good,
      "is older than its audit log",
      "a backup was restored, or the file was lost",
    )
    const newest = readFileSync(project.statePath())
    rmSync(project.statePath())
    for (const args of commands)
      await expectRefused(shop, args, {
        code: 7,
        message: `${project.statePath()} is missing, but its audit log knows of it`,
        hint: "a backup was restored, or the file was lost",
      })
    writeFileSync(project.statePath(), newest, { mode: 0o600 })
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
  })

  test("whose keys are missing is refused, and no other keys are made", async () => {
    const keys = `${shop.project.store}/keys.age`
    const now = readFileSync(keys)
    rmSync(keys)
    for (const args of commands)
      await expectRefused(shop, args, {
        code: 7,
        message: `${keys} is missing`,
        hint: "restore it from the backup",
      })
    writeFileSync(keys, now, { mode: 0o600 })
  })
})
