import { expect } from "bun:test"
import { createHmac, randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { appendLine, noHead } from "../../src/core/audit-line.ts"
import { identitiesIn, recipientOf, seal } from "../../src/core/seal.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { type Project, layOut } from "./mycelium.ts"
import { stateOf } from "./sealed.ts"

/**
 * A store that was forged by an intruder who can write to it and knows what is public: names, and
 * the key that values are sealed to.
 */

export const planted = "Planted-by-one-who-can-write-1"
export const environment = {
  rotate_every: "90d",
  secrets: { key: "generated" },
  outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
}

export async function house(more: object = {}): Promise<Project> {
  const project = await layOut(
    {},
    { project: "shop", ...more, environments: { production: environment } },
  )
  await project.mycelium(["init"])
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  return project
}
export const keysFile = ({ store }: Project): string => join(store, "keys.age")
export const identityOf = (project: Project): string =>
  identitiesIn(readFileSync(project.identityFile, "utf8"))[0] ?? ""

export type StoreKeys = { mac: string; fingerprint: string; bound?: Record<string, string> }
export const freshKeys = (): StoreKeys => ({
  mac: randomBytes(32).toString("base64"),
  fingerprint: randomBytes(32).toString("base64"),
})
export const sign = (document: object, { mac }: StoreKeys): string => {
  const { mac: _, ...rest } = document as StateDocument
  return JSON.stringify(
    {
      ...rest,
      mac: createHmac("sha256", Buffer.from(mac, "base64"))
        .update(JSON.stringify(rest, null, 1))
        .digest("hex"),
    },
    null,
    1,
  )
}

/**
 * Writes keys, state and log that match, with a value of the forger as the current one, made with
 * the public key alone.
 */
export async function forge(project: Project, keys: StoreKeys): Promise<void> {
  const recipient = await recipientOf(identityOf(project))
  const text = JSON.stringify({ name: "shop/production/key v7", values: { password: planted } })
  const prints = {
    password: createHmac("sha256", Buffer.from(keys.fingerprint, "base64"))
      .update(planted)
      .digest("hex"),
  }
  const audit = appendLine(
    { count: 0, head: noHead, lines: [] },
    { event: "promote", secret: "key", version: "v7" },
    { at: new Date(), serial: 1, actor: { user: "root", via: "mycelium run" } },
  )
  const document = {
    ...(await stateOf(project)),
    serial: 1,
    secrets: {
      key: {
        driver: "generated",
        rotatedAt: new Date().toISOString(),
        versions: [
          {
            id: "v7",
            madeAt: new Date().toISOString(),
            stage: { kind: "current" },
            clear: {},
            sealed: await seal([recipient], Buffer.from(text)),
            fingerprints: prints,
          },
        ],
      },
    },
    audit: { ...audit, lines: [] },
  }
  writeFileSync(project.statePath(), sign(document, keys))
  writeFileSync(project.auditPath(), `${audit.lines.join("\n")}\n`)
  writeFileSync(keysFile(project), await seal([recipient], Buffer.from(JSON.stringify(keys))))
}

export const commands = [
  ["render", "production"],
  ["rotate-now", "production"],
  ["rotate-now", "production", "--dry-run"],
  ["adopt", "production"],
  ["reconcile", "production"],
  ["exec", "production", "--", "true"],
  ["rekey"],
  ["rekey", "--new-identity"],
]

export const words: Readonly<Record<string, string>> = {
  "keys-unverified": "this identity did not make it",
  "keys-forged": "was not made with this identity",
  "state-edited": "was edited, or belongs to another store",
}

export async function expectUntouched(
  project: Project,
  code: string,
  all = commands,
): Promise<void> {
  const before = project.snapshot()
  for (const args of all) {
    const ran = await project.mycelium(args)
    expect({ args, code: ran.code, message: ran.stderr.includes(words[code] ?? code) }).toEqual({
      args,
      code: 7,
      message: true,
    })
    expect(project.read(".env")).not.toContain(planted)
  }
  // A copy of the identity that is made before keys are opened is no harm; all else stays.
  const after = project.snapshot()
  const changed = Object.keys({ ...before, ...after }).filter(
    (path) => before[path] !== after[path],
  )
  expect(changed.filter((path) => !path.endsWith(".lock"))).toEqual([])
}
