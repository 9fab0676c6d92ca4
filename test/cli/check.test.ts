import { describe, expect, test } from "bun:test"
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { realHost } from "../../src/base/system/host.ts"
import type { Terminal } from "../../src/cli/command.ts"
import { main } from "../../src/cli/main.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { type Project, type Ran, json, layOut, modeOf } from "../support/mycelium.ts"

type Document = {
  readonly ok: boolean
  readonly errors: number
  readonly warnings: number
  readonly mended: readonly string[]
  readonly findings: readonly {
    readonly code: string
    readonly severity: string
    readonly message: string
    readonly remedy?: string
  }[]
}

/** A sound machine: two environments, both rotated, with an output each, a restart and a health check. */
async function sound(): Promise<Project> {
  const project = await layOut()
  const restart = project.script("restart", "exit 0")
  const environment = (name: string): object => ({
    secrets: { key: "generated" },
    outputs: [{ dotenv: `${name}.env`, variables: { KEY: "{{ key.password }}" } }],
    deployments: { api: { command: [restart], healthy: { command: ["/bin/true"] } } },
  })
  project.configure({
    project: "shop",
    rotate_every: "90d",
    environments: { production: environment("production"), staging: environment("staging") },
  })
  for (const args of [["init"], ["rotate-now", "--all", "--new"]]) {
    const { code, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stderr}`)
  }
  return project
}

async function documentOf(project: Project, ...args: readonly string[]): Promise<Document> {
  return json(await project.mycelium(["check", "--json", ...args]))
}

/** Changes the state as somebody with an editor would: the MAC is then wrong, which --quick does not see. */
function edit(project: Project, change: (state: StateDocument) => StateDocument): void {
  writeFileSync(
    project.statePath(),
    JSON.stringify(change(JSON.parse(readFileSync(project.statePath(), "utf8")) as StateDocument)),
  )
}

test("check ends with 0 on a sound machine, strict too, and changes nothing", async () => {
  await using project = await sound()
  const before = project.snapshot()
  const ran = await project.mycelium(["check", "--strict"])
  expect(ran.stdout).not.toContain("FAIL")
  expect(ran.stdout).not.toContain("warn ")
  expect(ran.stdout).toContain("1000 values of 32 characters (191.9 bits), all different")
  expect(ran.stdout.trimEnd().split("\n").at(-1)).toContain("nothing is wrong")
  expect(ran.code).toBe(0)
  const quick = await project.mycelium(["check", "--quick", "--strict"])
  expect(quick.stdout).toContain("100 values")
  expect(quick.code).toBe(0)
  expect(project.snapshot()).toEqual(before)
})

test("check passes on a machine where mycelium init has just been run", async () => {
  await using project = await layOut()
  await project.mycelium(["init"])
  const ran = await project.mycelium(["check", "--strict"])
  expect(ran.stdout).toContain("secret-new")
  expect(ran.code).toBe(0)
})

/**
 * What goes wrong on machines, and the code that must be found. `quick`: the check for a
 * HEALTHCHECK finds it too.
 */
const faults: readonly {
  readonly code: string
  readonly plant: (project: Project) => void | Promise<void>
  readonly quick?: true
  readonly severity?: "warning"
}[] = [
  {
    code: "file-open",
    quick: true,
    plant: ({ store }) => chmodSync(join(store, "keys.age"), 0o644),
  },
  {
    code: "identity-open",
    quick: true,
    plant: ({ identityFile }) => chmodSync(identityFile, 0o640),
  },
  { code: "identity-missing", quick: true, plant: ({ identityFile }) => rmSync(identityFile) },
  {
    code: "reference-missing",
    quick: true,
    plant: (project) => {
      project.configure({
        ...(JSON.parse(project.read("mycelium.yaml")) as object),
        identity: { file: "/run/mycelium-test-none/identity" },
      })
    },
  },
  { code: "keys-missing", plant: ({ store }) => rmSync(join(store, "keys.age")) },
  {
    code: "file-is-link",
    quick: true,
    plant: (project) => {
      renameSync(project.auditPath(), project.path("elsewhere"))
      symlinkSync(project.path("elsewhere"), project.auditPath())
    },
  },
  { code: "parent-writable", plant: ({ home }) => chmodSync(join(home, "state"), 0o777) },
  { code: "hook-writable", plant: (project) => chmodSync(project.path("restart"), 0o777) },
  { code: "hook-missing", plant: (project) => rmSync(project.path("restart")) },
  {
    code: "config-writable-by-others",
    plant: (project) => chmodSync(project.path("mycelium.yaml"), 0o666),
  },
  {
    code: "state-broken",
    quick: true,
    plant: (project) =>
      writeFileSync(project.statePath(), readFileSync(project.statePath(), "utf8").slice(0, 200)),
  },
  {
    code: "state-edited",
    plant: (project) => edit(project, (state) => ({ ...state, serial: state.serial + 1 })),
  },
  { code: "state-older", plant: (project) => rmSync(project.statePath()) },
  { code: "output-missing", plant: (project) => rmSync(project.path("production.env")) },
  {
    code: "output-drift",
    plant: (project) => project.write("production.env", "KEY=put-in-by-hand-at-midnight\n"),
  },
  { code: "output-incomplete", plant: (project) => project.write("production.env", "OTHER=1\n") },
  {
    code: "output-stale",
    plant: async (project) => {
      const old = project.read("production.env")
      await project.mycelium(["rotate-now", "production"])
      project.write("production.env", old)
    },
  },
  {
    code: "output-not-ignored",
    severity: "warning",
    plant: (project) => git(project, "init", "-q"),
  },
  {
    code: "output-tracked",
    plant: async (project) => {
      await git(project, "init", "-q")
      await git(project, "add", "production.env")
    },
  },
  {
    code: "value-shared",
    plant: async (project) => {
      // As somebody does who wants a new staging to work like production.
      for (const name of ["json", "audit.jsonl", "lock"])
        rmSync(join(project.stateFolder, `staging.${name}`))
      project.write("staging.env", project.read("production.env"))
      expect((await project.mycelium(["adopt", "staging"])).code).toBe(0)
    },
  },
  {
    code: "revoke-overdue",
    quick: true,
    plant: (project) =>
      edit(project, (state) => ({
        ...state,
        secrets: Object.fromEntries(
          Object.entries(state.secrets).map(([name, one]) => [
            name,
            {
              ...one,
              versions: one.versions.map((version) => ({
                ...version,
                stage: {
                  kind: "previous",
                  revokeAt: "2026-11-01T00:00:00.000Z",
                  endSessions: false,
                } as const,
              })),
            },
          ]),
        ),
      })),
  },
  {
    code: "clock-wrong",
    quick: true,
    plant: (project) =>
      edit(project, (state) => ({
        ...state,
        secrets: Object.fromEntries(
          Object.entries(state.secrets).map(([name, one]) => [
            name,
            { ...one, rotatedAt: "2126-01-01T00:00:00.000Z" },
          ]),
        ),
      })),
  },
  {
    code: "state-unlisted",
    severity: "warning",
    quick: true,
    plant: (project) =>
      project.configure(
        project
          .read("mycelium.yaml")
          .replace('"staging": {', '"preview": {')
          .replace("staging.env", "preview.env"),
      ),
  },
]

async function git(project: Project, ...args: readonly string[]): Promise<void> {
  const child = Bun.spawn(["git", ...args], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: ["ignore", "ignore", "pipe"],
  })
  if ((await child.exited) !== 0) throw new Error(await child.stderr.text())
}

test("check says what render does not bring back: the folder, and lines of others", async () => {
  await using project = await layOut(
    { ".env": "OTHER=1\nKEY=First-key.0123456789abcdef\n" },
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { key: "generated" },
          outputs: [
            { dotenv: ".env", merge: true, variables: { KEY: "{{ key.password }}" } },
            { dotenv: "out/key.env", variables: { KEY: "{{ key.password }}" } },
          ],
        },
      },
    },
  )
  mkdirSync(project.path("out"))
  for (const args of [["init"], ["adopt", "production"], ["rotate-now", "production"]])
    expect((await project.mycelium(args)).code).toBe(0)
  rmSync(project.path(".env"))
  rmSync(project.path("out"), { recursive: true })
  const remedies = (await documentOf(project)).findings.flatMap(({ code, remedy }) =>
    code === "output-missing" ? [remedy] : [],
  )
  expect(remedies.sort()).toEqual([
    `make the folder ${project.path("out")} first, with the owner and mode that it should ` +
      "have; mycelium render then writes the file again",
    "put the file back from your backup: its other lines are not mycelium's, " +
      "and in no state; mycelium render then writes its own lines alone",
  ])
})

describe.concurrent("check finds what was planted, and says what to do:", () => {
  for (const { code, plant, quick, severity } of faults) {
    test(code, async () => {
      await using project = await sound()
      await plant(project)
      const { findings } = await documentOf(project)
      const found = findings.find((one) => one.code === code)
      expect(findings.map((one) => one.code)).toContain(code)
      expect(found?.severity).toBe(severity ?? "error")
      expect(found?.remedy ?? "").not.toBe("")
      const ran = await project.mycelium(["check", "--strict", ...(quick ? ["--quick"] : [])])
      expect(ran.stdout).toContain(`${severity === "warning" ? "warn" : "FAIL"}  ${code}: `)
      expect(ran.stdout).toContain("      remedy: ")
      expect(ran.code).toBe(4)
      noValue(project, ran)
    }, 60_000)
  }
})

/** No value of an output stands in what is said. */
function noValue(project: Project, ran: Ran): void {
  for (const file of ["production.env", "staging.env"]) {
    const value = project.has(file) ? /^KEY=(.*)$/m.exec(project.read(file))?.[1] : undefined
    if (value !== undefined && value !== "") expect(ran.stdout + ran.stderr).not.toContain(value)
  }
}

test("check takes warnings for what they are without --strict", async () => {
  await using project = await sound()
  await git(project, "init", "-q")
  const { ok, errors, warnings } = await documentOf(project)
  expect({ ok, errors, warnings: warnings > 0 }).toEqual({ ok: true, errors: 0, warnings: true })
})

test("check --fix puts modes right, says what it did, and is content afterwards", async () => {
  await using project = await sound()
  chmodSync(project.statePath(), 0o664)
  chmodSync(project.stateFolder, 0o755)
  chmodSync(project.path("production.env"), 0o644)
  expect(
    (await documentOf(project)).findings.filter(({ code }) => code === "file-open").length,
  ).toBe(3)
  const fixed = await project.mycelium(["check", "--fix"])
  expect(fixed.stdout).toContain(
    `done  ${project.path("production.env")} (an output of production): ` +
      "mode 0644 is now 0600; if others may have read it, rotate",
  )
  expect(fixed.code).toBe(0)
  expect(
    [project.statePath(), project.stateFolder, project.path("production.env")].map(modeOf),
  ).toEqual(["0600", "0700", "0600"])
  expect((await project.mycelium(["check", "--strict"])).code).toBe(0)
})

test("check sorts the worst first, and ends with a count", async () => {
  await using project = await sound()
  await git(project, "init", "-q")
  rmSync(project.path("production.env"))
  const { stdout } = await project.mycelium(["check"])
  const marks = stdout.split("\n").flatMap((line) => /^(FAIL|warn|info|ok) /.exec(line)?.[1] ?? [])
  expect(marks).toEqual(
    marks.toSorted(
      (one, other) =>
        ["FAIL", "warn", "info", "ok"].indexOf(one) - ["FAIL", "warn", "info", "ok"].indexOf(other),
    ),
  )
  expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^\d+ checks: 1 error, 2 warnings/)
})

test("check leaves a config that is wrong to the loader: every problem, exit 3", async () => {
  await using project = await sound()
  project.configure(
    project.read("mycelium.yaml").replace('"rotate_every": "90d"', '"rotate_evry": "90d"'),
  )
  const ran = await project.mycelium(["check"])
  expect(ran.stderr).toContain("rotate_every")
  expect(ran.code).toBe(3)
})

test("check reads beside a rotation without disturbing it, and calls its state neither edited nor older", async () => {
  await using project = await sound()
  const rotations = (async () => {
    for (let times = 0; times < 5; times++)
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  })()
  for (let times = 0; times < 10; times++) {
    const codes = (await documentOf(project)).findings.map(({ code }) => code)
    for (const alarm of [
      "state-edited",
      "state-older",
      "state-broken",
      "output-drift",
      "file-open",
    ])
      expect(codes).not.toContain(alarm)
  }
  await rotations
}, 60_000)

/** The binary's own main, with another generator: what a broken machine would be. */
async function inProcess(
  project: Project,
  random: (count: number) => Uint8Array,
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly said: string }> {
  const said: string[] = []
  const talk = (text: string): void => void said.push(text)
  const host = { ...realHost(project.environment), random }
  const terminal: Terminal = {
    host,
    stdout: talk,
    stderr: talk,
    interactive: () => false,
    variables: [],
    cwd: project.folder,
    pid: process.pid,
    uid: statSync(project.folder).uid,
    stop: new AbortController().signal,
    onReload: () => undefined,
  }
  return { code: await main(terminal, argv), said: said.join("\n") }
}

test("a generator that repeats itself fails check with 4, and run and rotate-now refuse before they touch anything", async () => {
  await using project = await sound()
  const before = project.snapshot()
  const stuck = (count: number): Uint8Array =>
    Uint8Array.from({ length: count }, (_, index) => (index * 37) % 251)
  for (const args of [["check"], ["check", "--quick"]]) {
    const { code, said } = await inProcess(project, stuck, ...args)
    expect(said).toContain("FAIL  random-broken: ")
    expect(code).toBe(4)
  }
  for (const args of [["rotate-now", "production"], ["run"]]) {
    const { code, said } = await inProcess(project, stuck, ...args)
    expect(said).toContain("the random generator")
    expect(code).toBe(4)
  }
  expect(project.snapshot()).toEqual(before)
})

test("check finds lines that a crash has torn off the log no fault, and nothing to alarm of", async () => {
  await using project = await sound()
  appendFileSync(project.auditPath(), '{"n":99,"at":"20')
  expect((await project.mycelium(["check", "--strict"])).code).toBe(0)
})
