import { describe, expect, test } from "bun:test"
import { chmodSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { StateDocument } from "../../src/core/state.ts"
import type { Project, Ran } from "../support/mycelium.ts"
import { documentOf, git, sound } from "../support/check.ts"

/**
 * Each finding of `mycelium check`: the fault is planted in a machine that is sound, found, and its
 * remedy said.
 */

/** Changes the state as a person with an editor would: the MAC is then wrong, which --quick does not see. */
function edit(project: Project, change: (state: StateDocument) => StateDocument): void {
  writeFileSync(
    project.statePath(),
    JSON.stringify(change(JSON.parse(readFileSync(project.statePath(), "utf8")) as StateDocument)),
  )
}

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
      // As a person does if a new staging is to work like production.
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
