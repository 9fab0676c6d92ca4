import { describe, expect, test } from "bun:test"
import { createHmac, randomBytes } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { appendLine, noHead } from "../../src/core/audit-line.ts"
import { identitiesIn, newIdentity, recipientOf, seal, unseal } from "../../src/core/seal.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { type Project, json, layOut } from "../support/mycelium.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"

/**
 * The store as one leaves it who can write there and knows what is public: names, and the key that
 * values are sealed to.
 */

const planted = "Planted-by-one-who-can-write-1"
const environment = {
  rotate_every: "90d",
  secrets: { key: "generated" },
  outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
}

async function house(more: object = {}): Promise<Project> {
  const project = await layOut(
    {},
    { project: "shop", ...more, environments: { production: environment } },
  )
  await project.mycelium(["init"])
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  return project
}
const keysFile = ({ store }: Project): string => join(store, "keys.age")
const identityOf = (project: Project): string =>
  identitiesIn(readFileSync(project.identityFile, "utf8"))[0] ?? ""

type StoreKeys = { mac: string; fingerprint: string; bound?: Record<string, string> }
const freshKeys = (): StoreKeys => ({
  mac: randomBytes(32).toString("base64"),
  fingerprint: randomBytes(32).toString("base64"),
})
const sign = (document: object, { mac }: StoreKeys): string => {
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
 * Keys, state and log that fit one another, with a value of the forger's as the current one; by the
 * public key alone.
 */
async function forge(project: Project, keys: StoreKeys): Promise<void> {
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

const commands = [
  ["render", "production"],
  ["rotate-now", "production"],
  ["rotate-now", "production", "--dry-run"],
  ["adopt", "production"],
  ["reconcile", "production"],
  ["exec", "production", "--", "true"],
  ["rekey"],
  ["rekey", "--new-identity"],
]

const words: Readonly<Record<string, string>> = {
  "keys-unverified": "this identity did not make it",
  "keys-forged": "was not made with this identity",
  "state-edited": "was edited, or belongs to another store",
}

async function expectUntouched(project: Project, code: string, all = commands): Promise<void> {
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

describe("a store that was forged with nothing but the public key", () => {
  test("is refused by all that opens a value or writes, and by audit verify and check", async () => {
    await using project = await house()
    await forge(project, freshKeys())
    await expectUntouched(project, "keys-unverified")
    const verified = await project.mycelium(["audit", "verify"])
    expect([verified.code, verified.stderr.includes("was never bound to it")]).toEqual([4, true])
    const checked = await project.mycelium(["check"])
    expect([checked.code, checked.stdout.includes("keys-unverified")]).toEqual([4, true])
  })

  test("and says that it is bound to our identity is called forged, and no option takes it", async () => {
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

  test("from which the binding alone was taken away is refused", async () => {
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

  test("is noticed by a service that runs already", async () => {
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

describe("what was true somewhere else, or once", () => {
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

  test("keys that the retired identity has bound are not taken once it is gone", async () => {
    await using project = await house()
    const old = identityOf(project)
    expect((await project.mycelium(["rekey", "--new-identity"])).code).toBe(0)
    const fresh = await recipientOf(identityOf(project))
    const opened = JSON.parse(
      Buffer.from(
        await unseal([identityOf(project)], readFileSync(keysFile(project), "utf8")),
      ).toString(),
    ) as StoreKeys
    // Nobody is named in it but those who can open it now.
    expect(Object.keys(opened.bound ?? {})).toEqual([fresh])
    await forge(project, {
      ...freshKeys(),
      bound: { [await recipientOf(old)]: randomBytes(32).toString("base64") },
    })
    await expectUntouched(project, "keys-unverified")
  })
})

describe("a break-glass identity", () => {
  test("looks without a word of trust, and works once a person has given it; the machine goes on", async () => {
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

  test("a store of an older build is taken up by the same word", async () => {
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

describe("a report", () => {
  const contain = (name: string): readonly string[] => [
    "rotate-now",
    "production",
    "--contain",
    "--yes",
    "--incident",
    name,
  ]

  /**
   * An incident that was contained once, told a second time under another name: state and log fit
   * one another.
   */
  async function toldTwice(): Promise<Project> {
    const project = await house()
    expect((await project.mycelium(contain("real"))).code).toBe(0)
    expect((await project.mycelium(["report", "real"])).code).toBe(0)
    const document = JSON.parse(readFileSync(project.statePath(), "utf8")) as StateDocument
    const log = readFileSync(project.auditPath(), "utf8").trimEnd().split("\n")
    const told = log
      .map((line) => JSON.parse(line) as Record<string, unknown> & { at: string; serial: number })
      .filter(({ incident }) => incident === "real")
    let audit = document.audit
    for (const { n: _n, prev: _prev, at, serial, user, via, ...event } of told)
      audit = appendLine(audit, { ...event, incident: "forged" } as never, {
        at: new Date(at),
        serial,
        actor: { user: String(user), via: String(via) },
      })
    const text = JSON.stringify(document).replaceAll('"incident":"real"', '"incident":"forged"')
    const forged = { ...(JSON.parse(text) as StateDocument), audit: { ...audit, lines: [] } }
    writeFileSync(project.statePath(), JSON.stringify(forged, null, 1))
    writeFileSync(
      project.auditPath(),
      [...log, ...audit.lines.slice(document.audit.lines.length), ""].join("\n"),
    )
    return project
  }

  test("vouches for no state that was edited, however well its log fits", async () => {
    await using project = await toldTwice()
    const ran = await project.mycelium(["report", "forged"])
    expect(ran.stdout).not.toContain("Contained: yes")
    expect(ran.stdout).toContain("state-edited")
    expect(ran.code).toBe(7)
    const review = await project.mycelium(["report", "--since", "1d"])
    expect(review.stdout).toContain("not as mycelium wrote it: production")
    expect(review.code).toBe(4)
  })

  test("says before all else that nothing was verified where the identity is not there", async () => {
    await using project = await toldTwice()
    rmSync(project.identityFile)
    for (const args of [
      ["report", "forged"],
      ["report", "--since", "1d"],
    ]) {
      const { stdout } = await project.mycelium(args)
      const at = stdout.indexOf("Nothing of this was verified")
      expect(at).toBeGreaterThan(0)
      expect(at).toBeLessThan(700)
      expect(stdout.split("\n")[0]).not.toMatch(/: contained$/)
    }
    const told = json<{ unverified?: string }>(
      await project.mycelium(["report", "forged", "--json"]),
    )
    expect(told.unverified).toContain("identity")
  })

  test("vouches for no log that was changed", async () => {
    await using project = await house()
    expect((await project.mycelium(contain("real"))).code).toBe(0)
    const log = readFileSync(project.auditPath(), "utf8")
    writeFileSync(project.auditPath(), log.replace('"event":"verify"', '"event":"verifx"'))
    const ran = await project.mycelium(["report", "real"])
    expect(ran.stdout).toContain("log-broken")
    expect(ran.code).toBe(7)
  })
})

describe("a log that is a symbolic link", () => {
  test("is refused by all that read it, in one clear sentence", async () => {
    await using project = await house()
    renameSync(project.auditPath(), `${project.auditPath()}.theirs`)
    symlinkSync(`${project.auditPath()}.theirs`, project.auditPath())
    for (const args of [
      ["audit"],
      ["audit", "verify"],
      ["rotate-now", "production"],
      ["report", "--since", "1d"],
      ["check"],
    ]) {
      const ran = await project.mycelium(args)
      const said = `${ran.stdout}${ran.stderr}`
      expect([args, said]).toEqual([args, expect.stringContaining("is a symbolic link")])
      expect([args, said]).toEqual([args, expect.not.stringContaining("unexpected")])
    }
  })

  test("so is a folder of its full parts that is none", async () => {
    await using project = await house()
    writeFileSync(project.auditPath().replace(/\.jsonl$/, ""), "")
    const ran = await project.mycelium(["audit", "verify"])
    expect(ran.stderr).toContain("is not a folder")
  })
})
