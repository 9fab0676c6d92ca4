import { expect, test } from "bun:test"
import { appendFileSync, chmodSync, mkdirSync, rmSync, statSync } from "node:fs"
import { realHost } from "../../src/base/system/host.ts"
import type { Terminal } from "../../src/cli/command.ts"
import { main } from "../../src/cli/main.ts"
import { type Project, layOut, modeOf } from "../support/mycelium.ts"
import { documentOf, git, sound } from "../support/check.ts"

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

test("check says what render does not restore: the folder, and lines of others", async () => {
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

test("check with warnings alone succeeds without --strict", async () => {
  await using project = await sound()
  await git(project, "init", "-q")
  const { ok, errors, warnings } = await documentOf(project)
  expect({ ok, errors, warnings: warnings > 0 }).toEqual({ ok: true, errors: 0, warnings: true })
})

test("check --fix corrects modes, says what it did, and finds nothing afterwards", async () => {
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

test("check shows every problem of a wrong config, as the loader does, and exits with 3", async () => {
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

test("check accepts a log that lost lines in a crash, and raises no alarm", async () => {
  await using project = await sound()
  appendFileSync(project.auditPath(), '{"n":99,"at":"20')
  expect((await project.mycelium(["check", "--strict"])).code).toBe(0)
})
