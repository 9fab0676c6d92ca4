import { describe, expect, test } from "bun:test"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { newIdentity, recipientOf, seal, unseal } from "../../src/core/seal.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { type Project, json, layOut } from "../support/mycelium.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import {
  type StoreKeys,
  environment,
  house,
  identityOf,
  keysFile,
  sign,
} from "../support/forged-store.ts"

describe("a break-glass identity", () => {
  test("can look without a word of trust, and works once a person has given it; the machine continues", async () => {
    const spare = await newIdentity()
    await using machine = await house({ recipients: [await recipientOf(spare)] })
    await using other = await layOut(
      {},
      {
        project: "shop",
        recipients: [await recipientOf(identityOf(machine))],
        environments: { production: environment },
      },
    )
    mkdirSync(dirname(other.identityFile), { recursive: true, mode: 0o700 })
    writeFileSync(other.identityFile, `${spare}\n`, { mode: 0o600 })
    cpSync(machine.store, other.store, { recursive: true })
    other.write(".env", machine.read(".env"))
    for (const args of [["status"], ["plan"], ["audit"]])
      expect([args, (await other.mycelium(args)).code]).toEqual([args, 0])
    const refused = await other.mycelium(["rotate-now", "production"])
    expect([refused.code, refused.stderr.includes("mycelium rekey --trust-store")]).toEqual([
      7,
      true,
    ])
    const trusted = await other.mycelium(["rekey", "--trust-store"])
    expect([trusted.code, trusted.stderr.includes("audit verify --heads")]).toEqual([0, true])
    expect((await other.mycelium(["audit", "--json"])).stdout).toContain('"trusted":true')
    expect((await other.mycelium(["rotate-now", "production"])).code).toBe(0)
    expect((await other.mycelium(["rekey"])).code).toBe(0)
    // What the other has written comes back: the machine's own binding is still in it.
    rmSync(machine.store, { recursive: true })
    cpSync(other.store, machine.store, { recursive: true })
    machine.write(".env", other.read(".env"))
    expect((await machine.mycelium(["rotate-now", "production"])).code).toBe(0)
  })

  test("a store of an older build is accepted by the same word", async () => {
    await using project = await house()
    const identity = identityOf(project)
    const recipient = await recipientOf(identity)
    const keys = JSON.parse(
      Buffer.from(await unseal([identity], readFileSync(keysFile(project), "utf8"))).toString(),
    ) as StoreKeys
    writeFileSync(
      keysFile(project),
      await seal(
        [recipient],
        Buffer.from(JSON.stringify({ mac: keys.mac, fingerprint: keys.fingerprint })),
      ),
    )
    const before = await asOlderBuild(project, identity, recipient, keys)
    const dry = await project.mycelium(["rekey", "--trust-store", "--dry-run"])
    expect([dry.code, dry.stdout.includes("Would bind")]).toEqual([0, true])
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(7)
    expect((await project.mycelium(["rekey", "--trust-store"])).code).toBe(0)
    expect((await versionsOf(project, "key")).map(({ password }) => password)).toEqual([...before])
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    expect(
      json<{ readonly logs: readonly { readonly faults: readonly string[] }[] }>(
        await project.mycelium(["audit", "verify", "--json"]),
      ).logs.flatMap(({ faults }) => faults),
    ).toEqual([])
    expect(existsSync(join(project.store, ".keys.age.mycelium-draft"))).toBe(false)
  })
})

/** Takes the project out of each sealed name, as older builds wrote it; returns the values. */
async function asOlderBuild(
  project: Project,
  identity: string,
  recipient: string,
  keys: StoreKeys,
): Promise<readonly (string | undefined)[]> {
  const document = (await stateOf(project)) as StateDocument
  const passwords: (string | undefined)[] = []
  const versions = await Promise.all(
    (document.secrets["key"]?.versions ?? []).map(async (version) => {
      const inside = JSON.parse(
        Buffer.from(await unseal([identity], version.sealed)).toString(),
      ) as { readonly name: string; readonly values: { readonly password?: string } }
      passwords.push(inside.values.password)
      return {
        ...version,
        sealed: await seal(
          [recipient],
          Buffer.from(JSON.stringify({ ...inside, name: inside.name.replace(/^shop\//, "") })),
        ),
      }
    }),
  )
  writeFileSync(
    project.statePath(),
    sign({ ...document, secrets: { key: { ...document.secrets["key"], versions } } }, keys),
  )
  return passwords
}
