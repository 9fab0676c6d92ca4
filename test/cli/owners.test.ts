import { describe, expect, test } from "bun:test"
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { type Project, type Ran, below, json, layOut } from "../support/mycelium.ts"

/**
 * Mycelium as a user of its own: what it replaces keeps its owner and group, or is refused before
 * anything is touched.
 */

const [alice, app, me] = [4242, 4343, 4400]
const why = whyNot()
const skipped = why === undefined ? "" : ` (skipped: ${why})`

function whyNot(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root, for files of two users"
  return Bun.which("setpriv") === null ? "setpriv is not installed" : undefined
}

const asUser = (...more: readonly string[]): readonly string[] => [
  "setpriv",
  `--reuid=${me}`,
  `--regid=${me}`,
  ...more,
]
const alone = asUser("--clear-groups")
const inGroup = asUser(`--groups=${app}`)
const mayGive = asUser(`--groups=${app}`, "--inh-caps=+chown", "--ambient-caps=+chown")

type Finding = {
  readonly code: string
  readonly severity: string
  readonly message: string
  readonly remedy?: string
}
type Kind = {
  readonly output: object
  readonly file: string
  readonly text: (value: string) => string
}

const value = "{{ key.password }}"
const kinds: Readonly<Record<string, Kind>> = {
  "dotenv, merged": {
    output: { dotenv: "app/.env", merge: true, variables: { KEY: value } },
    file: "app/.env",
    text: (key) => `OTHER=1\nKEY=${key}\n`,
  },
  dotenv: {
    output: { dotenv: "app/.env", variables: { KEY: value } },
    file: "app/.env",
    text: (key) => `KEY=${key}\n`,
  },
  template: {
    output: { template: "app/conf", text: `key ${value}\n` },
    file: "app/conf",
    text: (key) => `key ${key}\n`,
  },
  json: {
    output: { json: "app/conf", variables: { key: value } },
    file: "app/conf",
    text: (key) => `{"key":"${key}"}\n`,
  },
  yaml: {
    output: { yaml: "app/conf", variables: { key: value } },
    file: "app/conf",
    text: (key) => `key: ${key}\n`,
  },
  folder: {
    output: { folder: "app/run", files: { key: value } },
    file: "app/run/key",
    text: (key) => key,
  },
}

/** A project of `me`, with an output that shows a value, adopted; then it is alice's, for group app. */
async function lay(kind: Kind, more: object = {}): Promise<Project> {
  const project = await layOut({}, config(kind, more))
  const first = "Rk7vQ2xN9pLw4TzB8mHc3YfJ6sDg5Xq1"
  mkdirSync(project.path("app/run"), { recursive: true })
  project.write(kind.file, kind.text(first))
  for (const path of [project.root, ...below(project.root)]) chownSync(path, me, me)
  expect((await project.mycelium(["init"], { under: alone })).code).toBe(0)
  const adopted = await project.mycelium(["adopt", "production"], { under: alone })
  expect(`${adopted.code} ${adopted.stdout}${adopted.stderr}`).toStartWith("0 ")
  give(project.path(kind.file), alice, 0o640)
  return project
}

function config({ output }: Kind, more: object): object {
  return {
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { key: "generated" },
        outputs: [{ ...output, ...more }],
      },
    },
  }
}

function give(path: string, uid: number, mode: number): void {
  chownSync(path, uid, app)
  chmodSync(path, mode)
}

function facts(project: Project, file: string): string {
  const { uid, gid, mode } = statSync(project.path(file))
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)} ${project.read(file)}`
}
const ownerOf = (project: Project, file: string): string =>
  facts(project, file).split(" ", 2).join(" ")
const rotate = (project: Project, under: readonly string[]): Promise<Ran> =>
  project.mycelium(["rotate-now", "production"], { under })

async function found(project: Project, under: readonly string[]): Promise<readonly Finding[]> {
  const ran = await project.mycelium(["check", "--json"], { under })
  return json<{ readonly findings: readonly Finding[] }>(ran).findings.filter(({ code }) =>
    ["owner-not-kept", "owner-refused"].includes(code),
  )
}

function versions(project: Project): readonly string[] {
  return (
    JSON.parse(project.read(project.statePath())) as {
      secrets: { key: { versions: { id: string }[] } }
    }
  ).secrets.key.versions.map(({ id }) => id)
}

describe.skipIf(why !== undefined)(`a file of another owner${skipped}`, () => {
  for (const [name, kind] of Object.entries(kinds)) {
    test(`${name}: is never taken from them: check, dry run, rotation and render say so and write nothing`, async () => {
      await using project = await lay(kind, { mode: "0640" })
      const before = facts(project, kind.file)
      const [error, ...others] = await found(project, inGroup)
      expect([error?.severity, error?.message, others]).toEqual([
        "error",
        expect.stringContaining(`${project.path(kind.file)} belongs to uid ${alice}`),
        [],
      ])
      for (const args of [
        ["rotate-now", "production", "--dry-run"],
        ["rotate-now", "production"],
      ]) {
        const ran = await project.mycelium(args, { under: inGroup })
        expect([ran.code === 0, `${ran.stdout}${ran.stderr}`]).toEqual([
          false,
          expect.stringContaining(error?.message ?? "nothing"),
        ])
        expect(`${ran.stdout}${ran.stderr}`).toContain("in_place: true")
      }
      expect([facts(project, kind.file), versions(project)]).toEqual([before, ["v1"]])
      project.write(kind.file, name.startsWith("dotenv") ? kind.text("") : "")
      give(project.path(kind.file), alice, 0o640)
      const emptied = facts(project, kind.file)
      const rendered = await project.mycelium(["render", "production"], { under: inGroup })
      expect([rendered.code === 0, `${rendered.stdout}${rendered.stderr}`]).toEqual([
        false,
        expect.stringContaining("may not give files away"),
      ])
      expect(facts(project, kind.file)).toEqual(emptied)
      expect(
        readdirSync(project.path("app")).filter((entry) => entry.includes("mycelium")),
      ).toEqual([])
    }, 60_000)

    test(`${name}: stays theirs where mycelium may give files away`, async () => {
      await using project = await lay(kind, { mode: "0640" })
      expect(await found(project, mayGive)).toEqual([])
      const ran = await rotate(project, mayGive)
      expect(`${ran.code} ${ran.stdout}${ran.stderr}`).toStartWith("0 ")
      expect([ownerOf(project, kind.file), versions(project)]).toEqual([
        `${alice}:${app} 640`,
        ["v1", "v2"],
      ])
    }, 60_000)
  }

  const kind = kinds["dotenv, merged"] as Kind

  test("is given to mycelium and the group, as the hint says, and stays so", async () => {
    await using project = await lay(kind, { mode: "0640" })
    chownSync(project.path(kind.file), me, app)
    expect(await found(project, inGroup)).toEqual([])
    for (const _ of [1, 2]) expect((await rotate(project, inGroup)).code).toBe(0)
    expect(ownerOf(project, kind.file)).toBe(`${me}:${app} 640`)
  }, 60_000)

  test("goes to mycelium where the config says so", async () => {
    await using project = await lay(kind, { mode: "0640", owner: `${me}:${app}` })
    expect(await found(project, inGroup)).toEqual([])
    expect((await rotate(project, inGroup)).code).toBe(0)
    expect(ownerOf(project, kind.file)).toBe(`${me}:${app} 640`)
  }, 60_000)

  test("is written into, as the hint says, and stays theirs, on the way back too", async () => {
    await using project = await lay(kind, {
      in_place: true,
      owner: `${alice}:${app}`,
      mode: "0660",
    })
    const [refused] = await found(project, inGroup)
    expect([refused?.code, refused?.remedy]).toEqual([
      "owner-not-kept",
      expect.stringContaining("chmod 0660"),
    ])
    const early = await rotate(project, inGroup)
    expect([early.code, `${early.stdout}${early.stderr}`]).toEqual([
      1,
      expect.stringContaining(refused?.message ?? "nothing"),
    ])
    expect(versions(project)).toEqual(["v1"])
    chmodSync(project.path(kind.file), 0o660)
    expect(await found(project, inGroup)).toEqual([])
    const before = statSync(project.path(kind.file)).ino
    const ran = await rotate(project, inGroup)
    expect(`${ran.code} ${ran.stdout}${ran.stderr}`).toStartWith("0 ")
    expect([ownerOf(project, kind.file), statSync(project.path(kind.file)).ino]).toEqual([
      `${alice}:${app} 660`,
      before,
    ])
    const shown = facts(project, kind.file)
    await failRestart(
      project,
      kind,
      { in_place: true, owner: `${alice}:${app}`, mode: "0660" },
      inGroup,
    )
    expect(facts(project, kind.file)).toBe(shown)
  }, 60_000)

  test("stays theirs on the way back, where mycelium may give files away", async () => {
    await using project = await lay(kind, { mode: "0640" })
    const shown = facts(project, kind.file)
    await failRestart(project, kind, { mode: "0640" }, mayGive)
    expect(facts(project, kind.file)).toBe(shown)
  }, 60_000)

  test("with a line left behind keeps it: render --prune takes no file from its owner", async () => {
    await using project = await lay(kind, { mode: "0640" })
    const copied = /^KEY=(.*)$/m.exec(project.read(kind.file))?.[1]
    project.write(kind.file, `${project.read(kind.file)}COPIED=${copied}\n`)
    give(project.path(kind.file), alice, 0o640)
    const before = facts(project, kind.file)
    const ran = await project.mycelium(["render", "production", "--prune"], { under: inGroup })
    expect([ran.code === 0, `${ran.stdout}${ran.stderr}`]).toEqual([
      false,
      expect.stringContaining("may not give files away"),
    ])
    expect(facts(project, kind.file)).toBe(before)
    expect(
      (await project.mycelium(["render", "production", "--prune"], { under: mayGive })).code,
    ).toBe(0)
    expect([ownerOf(project, kind.file), project.read(kind.file).includes("COPIED")]).toEqual([
      `${alice}:${app} 640`,
      false,
    ])
  }, 60_000)

  test("stays theirs after a reconcile, which says so before it writes", async () => {
    await using project = await lay(kind, { mode: "0640" })
    project.write(kind.file, kind.text(""))
    give(project.path(kind.file), alice, 0o640)
    const before = facts(project, kind.file)
    for (const args of [
      ["reconcile", "production", "--dry-run"],
      ["reconcile", "production"],
    ]) {
      const ran = await project.mycelium(args, { under: inGroup })
      expect([ran.code === 0, `${ran.stdout}${ran.stderr}`]).toEqual([
        false,
        expect.stringContaining("may not give files away"),
      ])
      expect([facts(project, kind.file), versions(project)]).toEqual([before, ["v1"]])
    }
  }, 60_000)

  test("is not erased from by delete", async () => {
    await using project = await lay(kind, { mode: "0640" })
    const before = facts(project, kind.file)
    const ran = await project.mycelium(["delete", "production/key", "--yes"], { under: inGroup })
    expect([ran.code === 0, `${ran.stdout}${ran.stderr}`]).toEqual([
      false,
      expect.stringContaining("may not give files away"),
    ])
    expect([facts(project, kind.file), versions(project)]).toEqual([before, ["v1"]])
  }, 60_000)
})

/** A restart that fails for a value that is new, and works with the one before. */
async function failRestart(
  project: Project,
  kind: Kind,
  more: object,
  under: readonly string[],
): Promise<void> {
  const current = /^KEY=(.*)$/m.exec(project.read(kind.file))?.[1] ?? ""
  const script = project.script("healthy", `grep -q 'KEY=${current}' app/.env`)
  chownSync(script, me, me)
  const { environments } = config(kind, more) as { environments: { production: object } }
  project.configure({
    project: "shop",
    environments: {
      production: {
        ...environments.production,
        deployments: {
          api: {
            command: ["true"],
            reads: [kind.file],
            healthy: { command: ["./healthy"], within: "1s" },
          },
        },
      },
    },
  })
  chownSync(project.path("mycelium.yaml"), me, me)
  const ran = await rotate(project, under)
  expect([ran.code, `${ran.stdout}${ran.stderr}`]).toEqual([
    1,
    expect.stringContaining("went back to the old value"),
  ])
}

describe.skipIf(why !== undefined)(`the group of a file${skipped}`, () => {
  const kind = kinds["dotenv, merged"] as Kind

  test("that mycelium is not in is not lost in silence, but where it may not read the file anyway", async () => {
    await using project = await lay(kind, { mode: "0640" })
    give(project.path(kind.file), me, 0o640)
    const [error] = await found(project, alone)
    expect([error?.code, error?.message]).toEqual([
      "owner-not-kept",
      expect.stringContaining(
        `is to be read by its group ${app}, and this user, uid ${me}, is not in it`,
      ),
    ])
    const before = facts(project, kind.file)
    const ran = await rotate(project, alone)
    expect([ran.code, `${ran.stdout}${ran.stderr}`]).toEqual([
      1,
      expect.stringContaining(error?.message ?? "nothing"),
    ])
    expect(facts(project, kind.file)).toBe(before)
    project.configure(config(kind, {}))
    chownSync(project.path("mycelium.yaml"), me, me)
    chmodSync(project.path(kind.file), 0o600)
    expect(await found(project, alone)).toEqual([])
    expect((await rotate(project, alone)).code).toBe(0)
    expect(ownerOf(project, kind.file)).toBe(`${me}:${me} 600`)
  }, 60_000)

  test("comes from its folder where that has the setgid bit", async () => {
    await using project = await lay(kind, { mode: "0640" })
    give(project.path(kind.file), me, 0o640)
    give(project.path("app"), me, 0o2750)
    expect(await found(project, alone)).toEqual([])
    expect((await rotate(project, alone)).code).toBe(0)
    expect(ownerOf(project, kind.file)).toBe(`${me}:${app} 640`)
  }, 60_000)
})

test("whom a mode shuts out is said by the dry run, of each kind of output", async () => {
  for (const [name, kind] of Object.entries(kinds)) {
    await using project = await layOut({}, config(kind, {}))
    mkdirSync(project.path("app/run"), { recursive: true, mode: 0o700 })
    project.write(kind.file, kind.text("Rk7vQ2xN9pLw4TzB8mHc3YfJ6sDg5Xq1"), 0o644)
    for (const args of [["init"], ["adopt", "production"]])
      expect((await project.mycelium(args)).code).toBe(0)
    const narrows =
      `mode 0644 becomes 0600: group ${statSync(project.path(kind.file)).gid} and others cannot ` +
      "read it any more"
    expect([
      name,
      (await project.mycelium(["rotate-now", "production", "--dry-run"])).stdout,
    ]).toEqual([name, expect.stringContaining(`note: ${narrows}`)])
    const { plans } = json<{
      readonly plans: readonly { readonly outputs: readonly { readonly narrows?: string }[] }[]
    }>(await project.mycelium(["rotate-now", "production", "--dry-run", "--json"]))
    expect(plans[0]?.outputs.map((one) => one.narrows)).toEqual([narrows])
    chmodSync(project.path(kind.file), 0o600)
    expect(
      (await project.mycelium(["rotate-now", "production", "--dry-run"])).stdout,
    ).not.toContain("becomes")
  }
}, 60_000)

describe.skipIf(why !== undefined)(`an owner that the config names${skipped}`, () => {
  test("and that cannot be given is told before a first value exists, of a folder that is not there, too", async () => {
    for (const output of [
      { dotenv: "app/new.env", variables: { KEY: value }, owner: `${alice}:${app}`, mode: "0640" },
      { folder: "app/fresh", files: { key: value }, owner: `${alice}:${app}`, mode: "0640" },
    ]) {
      await using project = await lay(kinds["dotenv"] as Kind)
      project.configure({
        project: "shop",
        environments: {
          production: {
            rotate_every: "90d",
            secrets: { other: "generated" },
            outputs: [
              JSON.parse(JSON.stringify(output).replaceAll("key.password", "other.password")),
            ],
          },
        },
      })
      chownSync(project.path("mycelium.yaml"), me, me)
      expect((await found(project, inGroup)).map(({ code }) => code)).toEqual(["owner-refused"])
      const ran = await project.mycelium(["rotate-now", "production", "--new"], { under: inGroup })
      expect([ran.code === 0, `${ran.stdout}${ran.stderr}`]).toEqual([
        false,
        expect.stringContaining(`give`),
      ])
      expect([project.has("app/new.env"), project.has("app/fresh")]).toEqual([false, false])
      // A folder of theirs, with room for no group, is no place for this user to write into.
      if ("folder" in output) continue
      const made = await project.mycelium(["rotate-now", "production", "--new"], { under: mayGive })
      expect(`${made.code} ${made.stdout}${made.stderr}`).toStartWith("0 ")
      const path = project.path("app/new.env")
      expect([lstatSync(path).uid, lstatSync(path).gid, lstatSync(path).mode & 0o7777]).toEqual([
        alice,
        app,
        0o640,
      ])
    }
  }, 60_000)
})

test.skipIf(why !== undefined)(
  `root's rekey leaves a user's identity theirs${skipped}`,
  async () => {
    await using project = await lay(kinds["dotenv"] as Kind)
    for (const path of [project.root, project.folder, project.path("mycelium.yaml")])
      chownSync(path, 0, 0)
    const ran = await project.mycelium(["rekey", "--new-identity"])
    expect(`${ran.code} ${ran.stdout}${ran.stderr}`).toStartWith("0 ")
    const folder = join(project.identityFile, "..")
    expect(
      readdirSync(folder).map((name) => [
        name.includes("identity.txt"),
        statSync(join(folder, name)).uid,
      ]),
    ).toEqual([
      [true, me],
      [true, me],
    ])
  },
)

test.skipIf(why !== undefined)(
  `in a sticky folder, where nobody replaces a file of another, that is told first${skipped}`,
  async () => {
    await using project = await lay(kinds["dotenv"] as Kind, {
      owner: `${alice}:${app}`,
      mode: "0640",
    })
    chownSync(project.path("app"), 0, 0)
    chmodSync(project.path("app"), 0o1777)
    const before = facts(project, "app/.env")
    const ran = await rotate(project, mayGive)
    expect([ran.code, `${ran.stdout}${ran.stderr}`]).toEqual([
      1,
      expect.stringContaining("its folder is sticky"),
    ])
    expect([facts(project, "app/.env"), versions(project)]).toEqual([before, ["v1"]])
    rmSync(project.path("app/.env"))
  },
)
