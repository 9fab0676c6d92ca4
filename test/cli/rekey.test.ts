import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { identitiesIn, newIdentity, opens, recipientOf, sealedIn } from "../../src/core/seal.ts"
import { type Project, type Ran, json, layOut, modeOf } from "../support/mycelium.ts"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"
import { pathsIn, readStrace } from "../support/strace.ts"
import { cannotTrace, skippedUntraced, strace } from "../support/tracing.ts"

const environment = { rotate_every: "90d", secrets: { key: "generated", token: "generated" } }

/** Two environments with values and older versions, one of them no longer in the config. */
async function house(more: object = {}): Promise<Project> {
  const configOf = (environments: object): object => ({ project: "shop", ...more, environments })
  const project = await layOut(
    {},
    configOf({
      production: {
        ...environment,
        outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
      },
      retired: environment,
    }),
  )
  await project.mycelium(["init"])
  for (const args of [["production", "--new"], ["retired", "--new"], ["production"]])
    expect((await project.mycelium(["rotate-now", ...args])).code).toBe(0)
  project.configure(
    configOf({
      production: {
        ...environment,
        outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
      },
    }),
  )
  return project
}

const sealedKeys = (project: Project): string =>
  readFileSync(join(project.store, "keys.age"), "utf8")
const identitiesOf = (project: Project): readonly string[] =>
  identitiesIn(readFileSync(project.identityFile, "utf8"))

/** Everything in the store that is sealed. */
async function allSealed(project: Project): Promise<readonly string[]> {
  const states = await Promise.all(["production", "retired"].map((name) => stateOf(project, name)))
  return [sealedKeys(project), ...sealedIn(states)]
}
/** For how many an age file is sealed: one stanza each in its header. */
function stanzasOf(armored: string): number {
  const [header = ""] = Buffer.from(armored.replace(/-----[^-]+-----/g, ""), "base64")
    .toString("latin1")
    .split("\n--- ")
  return header.split("\n").filter((line) => line.startsWith("-> ")).length
}
async function opened(identity: string, sealed: readonly string[]): Promise<number> {
  const answers = await Promise.all(sealed.map((text) => opens([identity], text)))
  return answers.filter(Boolean).length
}
const valuesOf = async (project: Project): Promise<unknown> => ({
  key: await versionsOf(project, "key"),
  token: await versionsOf(project, "token"),
  other: await versionsOf(project, "key", "retired"),
})

describe("mycelium rekey", () => {
  test("seals everything for today's recipients: the config's new one opens it, the one that left does not", async () => {
    const [first, second] = [await newIdentity(), await newIdentity()]
    await using project = await house({ recipients: [await recipientOf(first)] })
    const before = await valuesOf(project)
    const old = await allSealed(project)
    expect(old.length).toBeGreaterThan(6)
    expect(await opened(first, old)).toBe(old.length)
    project.configure(
      project.read("mycelium.yaml").replace(await recipientOf(first), await recipientOf(second)),
    )
    const dry = json<{
      readonly would: { readonly environments: Record<string, { readonly values: number }> }
    }>(await project.mycelium(["rekey", "--dry-run", "--json"]))
    expect(Object.values(dry.would.environments).reduce((sum, { values }) => sum + values, 1)).toBe(
      old.length,
    )
    expect(await allSealed(project)).toEqual(old)
    expect((await project.mycelium(["rekey"])).code).toBe(0)
    const now = await allSealed(project)
    expect(now).toHaveLength(old.length)
    expect(now.map(stanzasOf)).toEqual(now.map(() => 2))
    expect([
      await opened(first, now),
      await opened(second, now),
      await opened(identitiesOf(project)[0] ?? "", now),
    ]).toEqual([0, now.length, now.length])
    expect(await valuesOf(project)).toEqual(before)
    for (const name of ["production", "retired"]) expect(auditFaults(project, name)).toEqual([])
    expect((await project.mycelium(["audit", "--json", "production"])).stdout).toContain(
      '"event":"rekey"',
    )
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  })

  test("--new-identity: nothing is sealed to the old one any more, a copy of it is kept, and what follows is said", async () => {
    await using project = await house()
    const before = await valuesOf(project)
    const [old = ""] = identitiesOf(project)
    const ran = await project.mycelium(["rekey", "--new-identity"])
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain("rotate-now --all --contain")
    const [identity = "", ...others] = identitiesOf(project)
    expect([identity === old, others]).toEqual([false, []])
    const now = await allSealed(project)
    expect(now.map(stanzasOf)).toEqual(now.map(() => 1))
    expect([await opened(old, now), await opened(identity, now)]).toEqual([0, now.length])
    expect(await valuesOf(project)).toEqual(before)
    const folder = dirname(project.identityFile)
    const copies = readdirSync(folder).filter((name) => name.includes(".old-"))
    expect(
      copies.map((name) => [
        identitiesIn(readFileSync(join(folder, name), "utf8")),
        modeOf(join(folder, name)),
      ]),
    ).toEqual([[[old], "0600"]])
    expect(ran.stdout).toContain(copies[0] ?? "no copy")
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    expect((await project.mycelium(["check"])).stdout).not.toContain("rekey-unfinished")
    expect(`${ran.stdout}${ran.stderr}`).not.toMatch(/AGE-SECRET-KEY/)
  })

  test("keeps the old identity while another project in the store needs it", async () => {
    await using project = await house()
    const [old = ""] = identitiesOf(project)
    project.write(
      "blog.yaml",
      JSON.stringify({ project: "blog", environments: { production: environment } }),
    )
    expect(
      (await project.mycelium(["rotate-now", "production", "--new", "--config", "blog.yaml"])).code,
    ).toBe(0)
    const ran = await project.mycelium(["rekey", "--new-identity"])
    expect(ran.stdout).toContain("still needed by other projects in this store: blog/production")
    expect(ran.code).toBe(5)
    expect(identitiesOf(project)).toHaveLength(2)
    expect((await project.mycelium(["check"])).stdout).toContain("rekey-unfinished")
    // Both work meanwhile, and nothing new is sealed to the old one.
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    expect(await opened(old, await allSealed(project))).toBe(0)
    expect(
      (await project.mycelium(["rotate-now", "production", "--config", "blog.yaml"])).code,
    ).toBe(0)
    const done = await project.mycelium(["rekey", "--config", "blog.yaml"])
    expect(done.stdout).toContain("nothing in the store is sealed to the old identity any more")
    expect(done.code).toBe(0)
    expect(identitiesOf(project)).not.toContain(old)
    for (const config of ["mycelium.yaml", "blog.yaml"])
      expect((await project.mycelium(["rotate-now", "production", "--config", config])).code).toBe(
        0,
      )
  })

  test("seals the rest where one state is broken, keeps the old identity, and finishes when it is mended", async () => {
    await using project = await house()
    const [old = ""] = identitiesOf(project)
    const good = readFileSync(project.statePath("retired"))
    writeFileSync(project.statePath("retired"), good.subarray(0, 100))
    const ran = await project.mycelium(["rekey", "--new-identity"])
    expect(ran.stdout).toContain("retired: NOT sealed anew")
    expect(ran.code).toBe(5)
    expect(identitiesOf(project)).toContain(old)
    writeFileSync(project.statePath("retired"), good)
    expect((await project.mycelium(["rekey", "--new-identity"])).code).toBe(0)
    expect(identitiesOf(project)).not.toContain(old)
    expect(await opened(old, await allSealed(project))).toBe(0)
  })

  test("takes no argument, and changes nothing", async () => {
    await using project = await house()
    const before = await allSealed(project)
    const ran = await project.mycelium(["rekey", "production"])
    expect([ran.code, ran.stderr.includes("rekey takes no argument")]).toEqual([2, true])
    expect(await allSealed(project)).toEqual(before)
  })

  test("says that the identity stays the same, if no new one came", async () => {
    await using project = await house()
    const ran = await project.mycelium(["rekey"])
    expect([ran.code, ran.stderr]).toEqual([
      0,
      expect.stringContaining("this machine's identity is the same as before"),
    ])
  })
})

/** The identity's file moves to where the config says. */
async function houseWith(identity: object, file = "elsewhere"): Promise<Project> {
  const project = await house()
  project.write(file, readFileSync(project.identityFile, "utf8"))
  rmSync(project.identityFile)
  project.configure({ ...JSON.parse(project.read("mycelium.yaml")), identity })
  return project
}

describe("mycelium rekey, where the config says where the identity is", () => {
  test("--new-identity replaces that file, private, and keeps the old one beside it", async () => {
    await using project = await houseWith({ file: "elsewhere" })
    const [old = ""] = identitiesIn(project.read("elsewhere"))
    const ran = await project.mycelium(["rekey", "--new-identity"])
    expect(`${ran.code} ${ran.stderr}`).toStartWith("0 ")
    const [identity = "", ...others] = identitiesIn(project.read("elsewhere"))
    expect([identity === old, others, modeOf(project.path("elsewhere"))]).toEqual([
      false,
      [],
      "0600",
    ])
    const now = await allSealed(project)
    expect([await opened(old, now), await opened(identity, now)]).toEqual([0, now.length])
    const copies = readdirSync(project.folder).filter((name) => name.includes(".old-"))
    expect(
      copies.map((name) => [identitiesIn(project.read(name)), modeOf(project.path(name))]),
    ).toEqual([[[old], "0600"]])
    expect(ran.stdout).toContain(project.path(copies[0] ?? "no copy"))
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  })

  test("--new-identity refuses a file that others read, and one that is a link, with a way that leads out", async () => {
    await using project = await houseWith({ file: "elsewhere" })
    const before = await allSealed(project)
    chmodSync(project.path("elsewhere"), 0o644)
    const open = await project.mycelium(["rekey", "--new-identity"])
    expect([open.code, open.stderr]).toEqual([1, expect.stringContaining("chmod o=")])
    chmodSync(project.path("elsewhere"), 0o600)
    renameSync(project.path("elsewhere"), project.path("real"))
    symlinkSync("real", project.path("elsewhere"))
    const linked = await project.mycelium(["rekey", "--new-identity"])
    expect([linked.code, linked.stderr]).toEqual([
      1,
      expect.stringContaining("hint: mycelium init --identity FILE writes a new one into FILE"),
    ])
    expect(await allSealed(project)).toEqual(before)
  })

  test("the way for one that is brought leads out, to the word: init --identity, bring it, rekey, take the old one out", async () => {
    await using project = await houseWith({ env: "IDENTITY" })
    const [old = ""] = identitiesIn(project.read("elsewhere"))
    let env = { IDENTITY: project.read("elsewhere") }
    const refused = await project.mycelium(["rekey", "--new-identity"], { env })
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(
        /comes from the variable IDENTITY[^]*hint: mycelium init --identity FILE/,
      ),
    ])
    const made = await project.mycelium(["init", "--identity", "FILE"], { env })
    expect([made.code, made.stdout, made.stderr]).toEqual([
      0,
      expect.stringContaining(`made ${project.path("FILE")}: a new identity`),
      expect.stringContaining("then mycelium rekey"),
    ])
    expect(modeOf(project.path("FILE"))).toBe("0600")
    const [identity = "", ...others] = identitiesIn(project.read("FILE"))
    expect([identity === old, others]).toEqual([false, [old]])
    env = { IDENTITY: project.read("FILE") }
    expect((await project.mycelium(["rotate-now", "production"], { env })).code).toBe(0)
    const ran = await project.mycelium(["rekey"], { env })
    expect([ran.code, ran.stdout]).toEqual([
      0,
      expect.stringContaining("take it out of where the config names it"),
    ])
    const now = await allSealed(project)
    expect([await opened(old, now), await opened(identity, now)]).toEqual([0, now.length])
    // As the manual's sed does it.
    env = { IDENTITY: project.read("FILE").replace(/^# retired[^]*/m, "") }
    expect(identitiesIn(env.IDENTITY)).toEqual([identity])
    expect((await project.mycelium(["rotate-now", "production"], { env })).code).toBe(0)
  })

  test("init --identity makes none beside values if the one of now is missing, or opens nothing", async () => {
    await using project = await houseWith({ env: "IDENTITY" })
    const missing = await project.mycelium(["init", "--identity", "FILE"])
    expect([missing.code === 0, missing.stderr]).toEqual([
      false,
      expect.stringContaining("the variable IDENTITY is not set"),
    ])
    for (const text of [`${await newIdentity()}\n`, "nothing"]) {
      const env = { IDENTITY: text }
      expect((await project.mycelium(["init", "--identity", "FILE"], { env })).code).not.toBe(0)
    }
    expect(project.has("FILE")).toBe(false)
  })

  test("a mark retires the key below it, whatever comments stand between, and a copy of it is kept", async () => {
    await using project = await houseWith({ file: "elsewhere" })
    const before = project.read("elsewhere")
    const [old = ""] = identitiesIn(before)
    const fresh = await newIdentity()
    project.write("elsewhere", `${fresh}\n# retired\n${before}`)
    const ran = await project.mycelium(["rekey"])
    expect(`${ran.code} ${ran.stderr}`).toStartWith("0 ")
    expect(ran.stdout).toContain("nothing in the store is sealed to the old identity any more")
    const now = await allSealed(project)
    expect([await opened(old, now), await opened(fresh, now)]).toEqual([0, now.length])
    expect(project.read("elsewhere")).toBe(`${fresh}\n`)
    const copies = readdirSync(project.folder).filter((name) => name.includes(".old-"))
    expect(copies.map((name) => identitiesIn(project.read(name)))).toEqual([[old]])
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  })

  test("with nothing but a retired key, it does not say that anything was sealed anew", async () => {
    await using project = await houseWith({ file: "elsewhere" })
    const before = await allSealed(project)
    project.write("elsewhere", `# retired\n${project.read("elsewhere")}`)
    for (const args of [["rekey"], ["rekey", "--new-identity"]]) {
      const ran = await project.mycelium(args)
      expect([ran.code === 0, ran.stdout, ran.stderr]).toEqual([
        false,
        "",
        expect.stringContaining("every key of the identity is marked as retired"),
      ])
    }
    expect(await allSealed(project)).toEqual(before)
    // The way that the hint names.
    const made = await project.mycelium(["init", "--identity", "FILE"])
    expect(`${made.code} ${made.stderr}`).toStartWith("0 ")
    project.write("elsewhere", project.read("FILE"))
    expect((await project.mycelium(["rekey"])).stdout).toContain("nothing in the store is sealed")
  })
})

describe("with a journal open", () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(async () => server[Symbol.asyncDispose]())

  test("rekey leaves it open, and the way back still has its bytes", async () => {
    await using shop = await openShop(server, {})
    await shop.adopt()
    shop.sicken()
    const { project } = shop
    const [old = ""] = identitiesOf(project)
    const env = project.read(".env")
    // Killed in the restart: outputs are delivered, and the journal holds what was there before.
    project.script("restart-api", "kill -KILL $PPID", "exit 1")
    expect((await project.mycelium(["rotate-now", "production"])).signal).toBe("SIGKILL")
    const journal = (await stateOf(project))?.changeSet
    expect(Object.values(journal?.before ?? {}).map(({ sealed }) => sealed.length > 0)).toEqual([
      true,
    ])
    expect((await project.mycelium(["rekey", "--new-identity"])).code).toBe(0)
    const state = await stateOf(project)
    expect(state?.changeSet?.id).toBe(journal?.id ?? "")
    expect(await opened(old, sealedIn(state))).toBe(0)
    project.script("restart-api", "cp .env api.loaded")
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(1)
    expect(project.read(".env")).toBe(env)
    expect(await shop.login(shop.shown)).toBe("in")
  })
})

describe.skipIf(cannotTrace !== undefined)(
  `rekey --new-identity, killed at each durable step${skippedUntraced}`,
  () => {
    test("its steps: a copy, both identities, the store's keys, each state, the new identity alone; each in its folder, synced", async () => {
      await using project = await house()
      const log = join(project.root, "strace.log")
      expect(
        (
          await project.mycelium(["rekey", "--new-identity"], {
            under: strace("-y", "-o", log, "-e", "trace=rename,fsync"),
          })
        ).code,
      ).toBe(0)
      const steps = readStrace(log)
        .filter(({ result }) => result === "0")
        .map(({ name, args }) =>
          `${name} ${pathsIn(args).at(-1)?.split("/").at(-1)}`.replace(/old-.*$/, "old"),
        )
      const replaced = (file: string, folder: string): readonly string[] => [
        `fsync .${file}.mycelium-draft`,
        `rename ${file}`,
        `fsync ${folder}`,
      ]
      expect(steps.map((step) => step.replace("old.mycelium-draft", "old"))).toEqual([
        "fsync .identity.txt.old",
        "rename identity.txt.old",
        "fsync mycelium",
        ...replaced("identity.txt", "mycelium"),
        ...replaced("keys.age", "mycelium"),
        // What is read must last, for a killed run may have left it unsynced.
        "fsync shop",
        ...replaced("production.json", "shop"),
        "fsync shop",
        ...replaced("retired.json", "shop"),
        ...replaced("identity.txt", "mycelium"),
      ])
    })

    test("everything opens at each instant, and the same command carries on", async () => {
      await using project = await house()
      const [old = ""] = identitiesOf(project)
      const before = await valuesOf(project)
      const kept = join(project.root, "retired")
      cpSync(project.home, kept, { recursive: true, preserveTimestamps: true })
      const run = (...under: readonly string[]): Promise<Ran> =>
        project.mycelium(["rekey", "--new-identity"], { under })
      let kills = 0
      for (const call of ["rename", "fsync", "fdatasync", "unlink"]) {
        for (let when = 1; ; when++) {
          rmSync(project.home, { recursive: true })
          cpSync(kept, project.home, { recursive: true, preserveTimestamps: true })
          const { signal } = await run(
            ...strace(
              "-o",
              "/dev/null",
              "-e",
              `trace=${call}`,
              "-e",
              `inject=${call}:signal=KILL:when=${when}`,
            ),
          )
          if (signal !== "SIGKILL") break
          kills++
          const at = { call, when }
          // With nothing but what is on the disk: the identity's file opens every value.
          expect({ ...at, values: await valuesOf(project) }).toEqual({ ...at, values: before })
          // Nothing new is sealed to the old one from the moment that there is a new one.
          const again = await run()
          expect({
            ...at,
            code: again.code,
            said: again.code === 0 ? "" : again.stdout + again.stderr,
          }).toEqual({ ...at, code: 0, said: "" })
          const now = await allSealed(project)
          const identities = identitiesOf(project)
          expect({
            ...at,
            identities: identities.length,
            old: await opened(old, now),
            now: await opened(identities[0] ?? "", now),
          }).toEqual({ ...at, identities: 1, old: 0, now: now.length })
          expect({ ...at, values: await valuesOf(project) }).toEqual({ ...at, values: before })
          for (const name of ["production", "retired"])
            expect({ ...at, name, faults: auditFaults(project, name) }).toEqual({
              ...at,
              name,
              faults: [],
            })
          const copies = readdirSync(dirname(project.identityFile)).filter((name) =>
            name.includes("identity.txt.old-"),
          )
          expect({ ...at, drafts: copies.filter((name) => name.startsWith(".")) }).toEqual({
            ...at,
            drafts: [],
          })
          expect({
            ...at,
            kept: copies.filter((name) =>
              readFileSync(join(dirname(project.identityFile), name), "utf8").includes(old),
            ).length,
          }).toEqual({ ...at, kept: 1 })
          expect(existsSync(join(project.store, ".keys.age.mycelium-draft"))).toBe(false)
        }
      }
      expect(kills).toBeGreaterThan(12)
    }, 180_000)
  },
)
