import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { recipientOf, seal, unseal } from "../../src/core/seal.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { stateOf } from "../support/sealed.ts"
import {
  type StoreKeys,
  commands,
  expectUntouched,
  forge,
  freshKeys,
  house,
  identityOf,
  keysFile,
  planted,
  sign,
} from "../support/forged-store.ts"

describe("a store that was forged with nothing but the public key", () => {
  test("is refused by all commands that open a value or write, and by audit verify and check", async () => {
    await using project = await house()
    await forge(project, freshKeys())
    await expectUntouched(project, "keys-unverified")
    const verified = await project.mycelium(["audit", "verify"])
    expect([verified.code, verified.stderr.includes("was never bound to it")]).toEqual([4, true])
    const checked = await project.mycelium(["check"])
    expect([checked.code, checked.stdout.includes("keys-unverified")]).toEqual([4, true])
  })

  test("and claims to be bound to our identity is called forged, and no option accepts it", async () => {
    await using project = await house()
    await forge(project, {
      ...freshKeys(),
      bound: { [await recipientOf(identityOf(project))]: randomBytes(32).toString("base64") },
    })
    await expectUntouched(project, "keys-forged", [...commands, ["rekey", "--trust-store"]])
  })

  test("with the true keys put back, its state is called edited", async () => {
    await using project = await house()
    const keys = readFileSync(keysFile(project))
    await forge(project, freshKeys())
    writeFileSync(keysFile(project), keys)
    await expectUntouched(
      project,
      "state-edited",
      commands.filter(([name]) => name !== "rekey"),
    )
    expect((await project.mycelium(["audit", "verify"])).stderr).toContain(
      "was edited, or belongs to another store",
    )
  })

  test("with only its log, is found by check and audit verify", async () => {
    await using project = await house()
    const lines = readFileSync(project.auditPath(), "utf8").split("\n")
    writeFileSync(
      project.auditPath(),
      lines
        .map((line, index) => (index === 0 ? line.replace('"user":"', '"user":"x') : line))
        .join("\n"),
    )
    expect((await project.mycelium(["audit", "verify"])).code).toBe(4)
    const checked = await project.mycelium(["check"])
    expect([checked.code, checked.stdout.includes("log-broken")]).toEqual([4, true])
  })

  test("and lacks only the binding is refused", async () => {
    await using project = await house()
    const opened = JSON.parse(
      Buffer.from(
        await unseal([identityOf(project)], readFileSync(keysFile(project), "utf8")),
      ).toString(),
    ) as StoreKeys
    writeFileSync(
      keysFile(project),
      await seal(
        [await recipientOf(identityOf(project))],
        Buffer.from(JSON.stringify({ mac: opened.mac, fingerprint: opened.fingerprint })),
      ),
    )
    await expectUntouched(project, "keys-unverified")
  })

  test("is noticed by a running service", async () => {
    await using project = await house()
    const { code } = await project.mycelium(["run", "--once"])
    expect(code).toBe(0)
    await forge(project, freshKeys())
    const ran = await project.mycelium(["run", "--once"])
    expect([
      ran.code,
      ran.stderr.includes("this identity did not make it"),
      project.read(".env").includes(planted),
    ]).toEqual([7, true, false])
  })
})

describe("values, keys and states of another store, or of an earlier time", () => {
  test("a value of another project that shares identity and store does not open here, though a recipient has signed for it", async () => {
    await using project = await house()
    project.write(
      "blog.yaml",
      JSON.stringify({
        project: "blog",
        environments: { production: { rotate_every: "90d", secrets: { key: "generated" } } },
      }),
    )
    expect(
      (await project.mycelium(["rotate-now", "production", "--new", "--config", "blog.yaml"])).code,
    ).toBe(0)
    const keys = JSON.parse(
      Buffer.from(
        await unseal([identityOf(project)], readFileSync(keysFile(project), "utf8")),
      ).toString(),
    ) as StoreKeys
    const other = JSON.parse(
      readFileSync(join(dirname(dirname(project.statePath())), "blog", "production.json"), "utf8"),
    ) as StateDocument
    const own = (await stateOf(project)) as StateDocument
    writeFileSync(project.statePath(), sign({ ...own, secrets: other.secrets }, keys))
    const ran = await project.mycelium(["render", "production"])
    expect([
      ran.code,
      ran.stderr.includes("a sealed value does not belong where it stands"),
    ]).toEqual([7, true])
  })

  test("keys of another store of the same identity do not fit this one's states", async () => {
    await using project = await house()
    await using other = await house()
    // The other store belongs to the same machine: the same identity began it.
    rmSync(other.store, { recursive: true })
    rmSync(other.path(".env"))
    cpSync(project.identityFile, other.identityFile)
    expect((await other.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
    cpSync(keysFile(other), keysFile(project))
    await expectUntouched(
      project,
      "state-edited",
      commands.filter(([name]) => name !== "rekey"),
    )
  })

  test("keys from before a new identity do not open any more; from before another recipient they are the same keys", async () => {
    await using project = await house()
    const old = readFileSync(keysFile(project))
    expect((await project.mycelium(["rekey"])).code).toBe(0)
    writeFileSync(keysFile(project), old)
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    expect((await project.mycelium(["rekey", "--new-identity"])).code).toBe(0)
    writeFileSync(keysFile(project), old)
    const ran = await project.mycelium(["rotate-now", "production"])
    expect([ran.code, ran.stderr.includes("cannot be opened with this identity")]).toEqual([
      7,
      true,
    ])
  })

  test("keys that the retired identity has bound are not accepted once it is gone", async () => {
    await using project = await house()
    const old = identityOf(project)
    expect((await project.mycelium(["rekey", "--new-identity"])).code).toBe(0)
    const fresh = await recipientOf(identityOf(project))
    const opened = JSON.parse(
      Buffer.from(
        await unseal([identityOf(project)], readFileSync(keysFile(project), "utf8")),
      ).toString(),
    ) as StoreKeys
    // It names only those who can open it now.
    expect(Object.keys(opened.bound ?? {})).toEqual([fresh])
    await forge(project, {
      ...freshKeys(),
      bound: { [await recipientOf(old)]: randomBytes(32).toString("base64") },
    })
    await expectUntouched(project, "keys-unverified")
  })
})
