import { describe, expect } from "bun:test"
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { errorOf } from "../../../support/error-of.ts"
import { deliver, fresh, knownOf, never, snapshot, valuesOf } from "../conformance/harness.ts"
import { kinds } from "../conformance/kinds.ts"
import { app, codeOf, env, fileOf, folderOf, hostile, other } from "./ground.ts"

/** Files that another user can plant in the place of an output, with Mycelium as root. */

hostile(
  "a file that was given to another user after we looked at it is theirs, and stays so",
  async ({ root }) => {
    for (const more of [{}, { in_place: true, mode: "0600" }]) {
      const [old, next] = [fresh(), fresh()]
      const path = fileOf(join(root, ".env"), app, `PASSWORD=${old.password}\n`)
      const output = env(root, { merge: true, ...more })
      const draft = await output.prepare(valuesOf(next), knownOf(old), never)
      chownSync(path, other, other)
      expect(await codeOf(draft.commit())).toBe("output-changed-meanwhile")
      await draft.discard()
      expect([statSync(path).uid, readFileSync(path, "utf8")]).toEqual([
        other,
        `PASSWORD=${old.password}\n`,
      ])
    }
  },
)

describe("a planted file", () => {
  for (const [where, mode] of [
    ["a sticky folder", 0o1777],
    ["a folder that a group can write in", 0o775],
  ] as const) {
    for (const [name, kind] of Object.entries(kinds)) {
      hostile(
        `${name}: an empty one in ${where} does not say who shall read the values`,
        async ({ root }) => {
          const shared = folderOf(join(root, "shared"), 0, mode)
          chownSync(shared, 0, other)
          const files = kind.files.map((file) => {
            mkdirSync(join(shared, "run"), { recursive: true, mode })
            chownSync(join(shared, "run"), 0, other)
            chmodSync(join(shared, "run"), mode)
            return fileOf(join(shared, file), app)
          })
          const before = snapshot(shared)
          for (const how of [{ trial: true }, { trial: false }]) {
            const error = await errorOf(
              kind.open(shared).prepare(valuesOf(fresh()), knownOf(), never, how),
            )
            expect([error.code, error.hint]).toEqual([
              "output-planted",
              expect.stringContaining(`owner: "${app}:${app}"`),
            ])
          }
          expect(await codeOf(kind.open(shared).adopt(["db"]))).toBe("output-planted")
          expect(snapshot(shared)).toEqual(before)
          // The way out that the hint names.
          await (
            await kind
              .open(shared, { owner: `${app}:${app}` })
              .prepare(valuesOf(fresh()), knownOf(), never)
          ).commit()
          expect(files.map((file) => statSync(file).uid)).toEqual(files.map(() => app))
        },
      )
    }
  }

  hostile(
    "is refused if it is empty in its user's own folder, and kept if it holds what that user reads",
    async ({ app: folder }) => {
      const file = fileOf(join(folder, ".env"), app)
      expect(await codeOf(env(folder).prepare(valuesOf(fresh()), knownOf(), never))).toBe(
        "output-planted",
      )
      writeFileSync(file, "PORT=80\n")
      await deliver(env(folder, { merge: true }), fresh())
      expect([statSync(file).uid, readFileSync(file, "utf8").split("\n")[0]]).toEqual([
        app,
        "PORT=80",
      ])
    },
  )

  for (const [name, kind] of Object.entries(kinds)) {
    hostile(
      `${name}: one that comes after the delivery gets no former value back`,
      async ({ app: folder }) => {
        const place = name === "folder" ? folder : folderOf(join(folder, "conf"), app)
        const theirs = name === "folder" ? {} : { owner: `${other}:${other}` }
        const [old, next] = [fresh(), fresh()]
        await (await kind.open(place, theirs).prepare(valuesOf(old), knownOf(old), never)).commit()
        const before = await kind.open(place, theirs).read()
        await (
          await kind.open(place, theirs).prepare(valuesOf(next), knownOf(old, next), never)
        ).commit()
        const planted = kind.files
          .map((file) => join(place, file))
          .map((path) => (rmSync(path), fileOf(path, app)))
        expect(await codeOf(kind.open(place).restore(before, never))).toBe("output-planted")
        expect(planted.map((path) => readFileSync(path, "utf8")).join("")).toBe("")
      },
    )
  }

  hostile("of a third user is refused in the application's folder", async ({ app: folder }) => {
    fileOf(join(folder, ".env"), other, "PORT=80\n")
    expect(
      await codeOf(env(folder, { merge: true }).prepare(valuesOf(fresh()), knownOf(), never)),
    ).toBe("output-planted")
  })

  hostile(
    "contributes none of its lines, whichever user shall own the new file",
    async ({ root }) => {
      const shared = folderOf(join(root, "shared"), 0, 0o1777)
      fileOf(join(shared, ".env"), app, "LD_PRELOAD=/tmp/theirs.so\n")
      const error = await errorOf(
        env(shared, { merge: true, owner: `${other}:${other}` }).prepare(
          valuesOf(fresh()),
          knownOf(),
          never,
        ),
      )
      expect([error.code, error.hint]).toEqual([
        "output-planted",
        expect.stringContaining(`chown -h ${other} `),
      ])
    },
  )

  hostile(
    "may be one of root's, moved onto that name: its lines are handed over to no other user or group",
    async ({ root }) => {
      const shared = folderOf(join(root, "shared"), 0, 0o777)
      const lines = "ADMIN_TOKEN=not-for-the-app\n"
      const path = fileOf(join(shared, ".env"), 0, lines)
      const told = async (more: object): Promise<string | undefined> => {
        const draft = await env(shared, { merge: true, ...more })
          .prepare(valuesOf(fresh()), knownOf(), never)
          .catch((error: { code?: string }) => error)
        if ("discard" in draft) await draft.discard()
        return "code" in draft ? draft.code : undefined
      }
      const given = [
        { owner: `${app}:${app}` },
        { owner: `${app}:0` },
        { owner: `0:${app}`, mode: "0640" },
        { group: `${app}`, mode: "0640" },
      ]
      expect(await Promise.all(given.map(told))).toEqual(given.map(() => "output-planted"))
      expect([statSync(path).uid, readFileSync(path, "utf8")]).toEqual([0, lines])
      // Unless no other user gets to read them, or there is nothing to hand over.
      for (const more of [{}, { owner: "0:0" }, { group: `${app}` }])
        expect(await told(more)).toBeUndefined()
      fileOf(path, 0, "\n")
      expect(await told({ owner: `${app}:${app}` })).toBeUndefined()
    },
  )

  hostile(
    "in a folder of root's alone was put there by root: it keeps its owner",
    async ({ outside }) => {
      fileOf(join(outside, ".env"), app)
      await deliver(env(outside), fresh())
      expect(statSync(join(outside, ".env")).uid).toBe(app)
    },
  )
})

describe("a hard link", () => {
  for (const [title, more] of [
    ["merged", { merge: true }],
    ["in place", { in_place: true, merge: true }],
  ] as const) {
    hostile(
      `${title}: to a file that the application cannot read is neither read nor written`,
      async ({ root, app: folder }) => {
        const secret = fileOf(join(root, "secret"), 0, "ADMIN=hunter2\n")
        linkSync(secret, join(folder, ".env"))
        const before = snapshot(folder)
        const output = env(folder, more)
        const codes = await Promise.all(
          [
            output.prepare(valuesOf(fresh()), knownOf(), never),
            output.adopt(["db"]),
            output.read(),
          ].map(codeOf),
        )
        expect([...new Set(codes)]).toEqual(["file-hard-linked"])
        expect(snapshot(folder)).toEqual(before)
        expect(readFileSync(secret, "utf8")).toBe("ADMIN=hunter2\n")
      },
    )
  }
})
