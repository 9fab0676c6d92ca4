import { describe, expect, test } from "bun:test"
import { chmodSync, chownSync, lstatSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import {
  alice,
  app,
  facts,
  found,
  inGroup,
  type Kind,
  kinds,
  lay,
  mayGive,
  me,
  rotate,
  skipped,
  value,
  versions,
  why,
} from "../support/owners.ts"

describe.skipIf(why !== undefined)(`an owner that the config names${skipped}`, () => {
  test("and that cannot be given is reported before a first value exists, also for a missing folder", async () => {
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
  `in a sticky folder, where a user cannot replace the file of another, an owner is refused before anything is written${skipped}`,
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
