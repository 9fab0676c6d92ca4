import { chownSync, chmodSync, mkdirSync, readFileSync } from "node:fs"
import { expect, test } from "bun:test"
import { type Project, layOut } from "../support/mycelium.ts"

/** The store and the identity below a folder of another user: nothing is made or changed with them. */

const stranger = 4242
const isRoot = process.getuid?.() === 0
const note = isRoot ? "" : " (skipped: only root can give a folder away)"

function config(project: Project, place: { readonly store: string; readonly id: string }): object {
  return {
    project: "shop",
    store: project.path(place.store),
    identity: { file: project.path(place.id) },
    schedule: "0 3 * * SUN",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { key: "generated" },
        outputs: [{ json: "key.json", variables: { KEY: "{{ key.password }}" } }],
      },
    },
  }
}

async function lay(): Promise<Project> {
  const project = await layOut({}, "")
  mkdirSync(project.path("theirs"))
  return project
}

test.skipIf(!isRoot)(
  `a store below another user's folder is not used${note}`,
  async () => {
    await using project = await lay()
    project.configure(config(project, { store: "theirs/store", id: "id" }))
    expect((await project.mycelium(["init"])).code).toBe(0)
    expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
    const before = readFileSync(project.path("key.json"), "utf8")
    chownSync(project.path("theirs"), stranger, stranger)
    for (const args of [
      ["rotate-now", "production"],
      ["render", "production"],
      ["run", "--once"],
    ]) {
      const ran = await project.mycelium(args)
      expect(ran.code).not.toBe(0)
      expect(ran.stderr).toContain(`belongs to user ${stranger}, who can replace what is in it`)
    }
    expect(readFileSync(project.path("key.json"), "utf8")).toBe(before)
    expect((await project.mycelium(["check"])).stdout).toContain("parent-foreign")
    chownSync(project.path("theirs"), 0, 0)
    chmodSync(project.path("theirs"), 0o777)
    const open = await project.mycelium(["rotate-now", "production"])
    expect({
      code: open.code === 0,
      said: open.stderr.includes("can be written by everybody"),
    }).toEqual({
      code: false,
      said: true,
    })
  },
  60_000,
)

test.skipIf(!isRoot)(
  `an identity that another user can replace is not used${note}`,
  async () => {
    await using project = await lay()
    project.configure(config(project, { store: "store", id: "theirs/id" }))
    chownSync(project.path("theirs"), stranger, stranger)
    const refused = await project.mycelium(["init"])
    expect({ code: refused.code === 0, made: project.has("theirs/id") }).toEqual({
      code: false,
      made: false,
    })
    expect(refused.stderr).toContain(`can be changed by user ${stranger}`)
    chownSync(project.path("theirs"), 0, 0)
    expect((await project.mycelium(["init"])).code).toBe(0)
    expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
    const before = readFileSync(project.path("key.json"), "utf8")
    const plants = [
      () => chownSync(project.path("theirs"), stranger, stranger),
      () => chownSync(project.path("theirs/id"), stranger, stranger),
      () => chmodSync(project.path("theirs/id"), 0o662),
    ]
    for (const plant of plants) {
      plant()
      const ran = await project.mycelium(["rotate-now", "production"])
      expect(ran.code).not.toBe(0)
      expect(ran.stderr).toContain("holds the identity, and ")
      for (const path of ["theirs", "theirs/id"]) chownSync(project.path(path), 0, 0)
      chmodSync(project.path("theirs/id"), 0o600)
    }
    expect(readFileSync(project.path("key.json"), "utf8")).toBe(before)
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  },
  60_000,
)
