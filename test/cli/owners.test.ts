import { describe, expect, test } from "bun:test"
import { chmodSync, chownSync, readdirSync, statSync } from "node:fs"
import type { Project } from "../support/mycelium.ts"
import {
  alice,
  app,
  config,
  facts,
  found,
  give,
  inGroup,
  type Kind,
  kinds,
  lay,
  mayGive,
  me,
  ownerOf,
  rotate,
  skipped,
  versions,
  why,
} from "../support/owners.ts"

/**
 * Mycelium runs as a user of its own: a file that it replaces keeps its owner, or is refused before
 * anything is touched.
 */

describe.skipIf(why !== undefined)(`a file of another owner${skipped}`, () => {
  for (const [name, kind] of Object.entries(kinds)) {
    test(`${name}: is never taken from its owner: check, dry run, rotation and render say so and write nothing`, async () => {
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

    test(`${name}: stays its owner's if mycelium may give files away`, async () => {
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

  test("goes to mycelium if the config says so", async () => {
    await using project = await lay(kind, { mode: "0640", owner: `${me}:${app}` })
    expect(await found(project, inGroup)).toEqual([])
    expect((await rotate(project, inGroup)).code).toBe(0)
    expect(ownerOf(project, kind.file)).toBe(`${me}:${app} 640`)
  }, 60_000)

  test("is written in place, as the hint says, and stays its owner's, also in a rollback", async () => {
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

  test("stays its owner's in a rollback, if mycelium may give files away", async () => {
    await using project = await lay(kind, { mode: "0640" })
    const shown = facts(project, kind.file)
    await failRestart(project, kind, { mode: "0640" }, mayGive)
    expect(facts(project, kind.file)).toBe(shown)
  }, 60_000)

  test("with a line left behind keeps that line: render --prune takes no file from its owner", async () => {
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

  test("stays its owner's after a reconcile, which says so before it writes", async () => {
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

  test("is not changed by delete", async () => {
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
