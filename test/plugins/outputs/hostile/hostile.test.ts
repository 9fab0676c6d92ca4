import { describe, expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { draftPath } from "../../../../src/base/files/draft-file.ts"
import { draftInPlace } from "../../../../src/base/files/in-place.ts"
import type { Output } from "../../../../src/core/ports.ts"
import { dotenv } from "../../../../src/plugins/outputs/dotenv/index.ts"
import { errorOf } from "../../../support/error-of.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { deliver, fresh, knownOf, never, snapshot, valuesOf } from "../conformance/harness.ts"
import { kinds } from "../conformance/kinds.ts"

/**
 * What another user can put on the way to an output, with root as Mycelium; each a state that their
 * swaps can bring about.
 */

const asRoot = process.geteuid?.() === 0
const [app, other] = [4242, 4343]

type Ground = { readonly root: string; readonly app: string; readonly outside: string }

/**
 * A folder of the application beside one of root, with a file of each name that an output could hit
 * there.
 */
function hostile(title: string, run: (ground: Ground) => Promise<void>): void {
  test.skipIf(!asRoot)(
    `${title}${asRoot ? "" : " (skipped: needs root, for files of two users)"}`,
    async () => {
      await using temporary = await temporaryFolder()
      chmodSync(temporary.path, 0o711)
      const ground = {
        root: temporary.path,
        app: join(temporary.path, "app"),
        outside: join(temporary.path, "outside"),
      }
      folderOf(ground.app, app)
      mkdirSync(join(ground.outside, "run"), { recursive: true })
      await run(ground)
    },
  )
}

function folderOf(path: string, uid: number, mode = 0o755): string {
  mkdirSync(path)
  chownSync(path, uid, uid)
  chmodSync(path, mode)
  return path
}
function fileOf(path: string, uid: number, text = "", mode = 0o600): string {
  writeFileSync(path, text)
  chownSync(path, uid, uid)
  chmodSync(path, mode)
  return path
}
const env = (folder: string, more: object = {}): Output =>
  dotenv.open(
    dotenv.options.parse({ dotenv: ".env", variables: { PASSWORD: "{{ db.password }}" }, ...more }),
    { folder, label: "production" },
  )
const codeOf = async (act: Promise<unknown>): Promise<string> => (await errorOf(act)).code

describe("a link in a folder above", () => {
  for (const [name, kind] of Object.entries(kinds)) {
    hostile(
      `${name}: is not followed, neither to read nor to write`,
      async ({ app: folder, outside }) => {
        const theirs = fresh()
        kind.byHand(outside, theirs)
        for (const file of kind.files) chownSync(join(outside, file), other, other)
        const before = snapshot(outside)
        symlinkSync(outside, join(folder, "conf"))
        const output = kind.open(join(folder, "conf"))
        const next = fresh()
        const codes = await Promise.all(
          [
            output.prepare(valuesOf(next), knownOf(next, theirs), never),
            output.adopt(["db", "key"]),
            output.read(),
            output.restore(undefined, never),
            output.remove?.(["db"], knownOf(theirs), never) ??
              Promise.reject(new Error("it cannot remove")),
            output.tidy(),
          ].map(codeOf),
        )
        expect([...new Set(codes)]).toEqual(["file-is-link"])
        expect(snapshot(outside)).toEqual(before)
      },
    )
  }

  hostile("is followed where only root can have put it there", async ({ root, outside }) => {
    symlinkSync(outside, join(root, "link"))
    const shows = fresh()
    await deliver(env(join(root, "link")), shows)
    expect(readFileSync(join(outside, ".env"), "utf8")).toContain(shows.password)
    expect(lstatSync(join(root, "link")).isSymbolicLink()).toBe(true)
  })

  hostile("is followed in a sticky folder only if it is root's", async ({ root, outside }) => {
    const sticky = folderOf(join(root, "sticky"), 0, 0o1777)
    symlinkSync(outside, join(sticky, "link"))
    await deliver(env(join(sticky, "link")), fresh())
    rmSync(join(sticky, "link"))
    Bun.spawnSync(["/bin/ln", "-s", outside, join(sticky, "link")], { uid: app, gid: app })
    expect(
      await codeOf(env(join(sticky, "link")).prepare(valuesOf(fresh()), knownOf(), never)),
    ).toBe("file-is-link")
  })
})

describe("a folder of a second user", () => {
  hostile("is not passed below that of a first", async ({ app: folder }) => {
    folderOf(join(folder, "conf"), other)
    expect(
      await codeOf(env(join(folder, "conf")).prepare(valuesOf(fresh()), knownOf(), never)),
    ).toBe("folder-of-others")
  })

  hostile(
    "is not made below that of a first, for no later rotation would pass it",
    async ({ app: folder }) => {
      const output = kinds["folder"]?.open(folder, { owner: `${other}:${other}` })
      expect(
        await codeOf(output?.prepare(valuesOf(fresh()), knownOf(), never) ?? Promise.resolve()),
      ).toBe("folder-of-others")
      expect(snapshot(folder)).toEqual({})
    },
  )

  hostile(
    "below the application's own, one of root is passed, and the files are for whom the config says",
    async ({ app: folder }) => {
      const output = (): Output | undefined =>
        kinds["folder"]?.open(folder, { owner: `${app}:${app}` })
      const [old, next] = [fresh(), fresh()]
      const first = await output()?.prepare(valuesOf(old), knownOf(old), never)
      await first?.commit()
      await (await output()?.prepare(valuesOf(next), knownOf(old), never))?.commit()
      const { uid, mode } = statSync(join(folder, "run"))
      expect([
        uid,
        (mode & 0o7777).toString(8),
        statSync(join(folder, "run/key")).uid,
        readFileSync(join(folder, "run/key"), "utf8"),
      ]).toEqual([app, "700", app, next.key])
    },
  )
})

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

  hostile("adds none of its lines, whoever shall own what takes its place", async ({ root }) => {
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
  })

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
      // Where nobody else gets to read them, or there is nothing to hand over.
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

describe("between draft and commit", () => {
  hostile("a folder that was moved away is told: nobody looks there", async ({ app: folder }) => {
    const sub = folderOf(join(folder, "sub"), app)
    const draft = await env(sub).prepare(valuesOf(fresh()), knownOf(), never)
    renameSync(sub, join(folder, "moved"))
    folderOf(sub, app)
    const error = await errorOf(draft.commit())
    expect([error.code, error.message]).toEqual([
      "write-failed",
      expect.stringContaining("its folder was moved away meanwhile"),
    ])
    await draft.discard()
    expect(Object.keys(snapshot(folder))).toEqual(["moved", "sub"])
  })

  for (const more of [{}, { in_place: true }]) {
    hostile(
      "a folder that was moved away, with nothing in its place, " +
        `is told in a sentence${"in_place" in more ? ", in place too" : ""}`,
      async ({ app: folder }) => {
        const [above, sub] = [folderOf(join(folder, "above"), app), join(folder, "above", "sub")]
        folderOf(sub, app)
        const [old, next] = [fresh(), fresh()]
        await deliver(env(sub), old)
        const draft = await env(sub, more).prepare(valuesOf(next), knownOf(old), never)
        renameSync(above, join(folder, "moved"))
        expect(["write-failed", "output-changed-meanwhile"]).toContain(await codeOf(draft.commit()))
      },
    )
  }

  hostile("a link in the place of the folder leads nowhere", async ({ app: folder, outside }) => {
    const before = snapshot(outside)
    const sub = folderOf(join(folder, "sub"), app)
    const draft = await env(sub).prepare(valuesOf(fresh()), knownOf(), never)
    renameSync(sub, join(folder, "moved"))
    symlinkSync(outside, sub)
    expect(await codeOf(draft.commit())).toBe("file-is-link")
    await draft.discard()
    expect(snapshot(outside)).toEqual(before)
    expect(readdirSync(join(folder, "moved"))).toEqual([])
  })

  hostile(
    "another file in the draft's place is told, and is not taken for ours",
    async ({ app: folder }) => {
      const draft = await env(folder).prepare(valuesOf(fresh()), knownOf(), never)
      rmSync(draftPath(join(folder, ".env")))
      fileOf(draftPath(join(folder, ".env")), app, "PASSWORD=theirs\n")
      const error = await errorOf(draft.commit())
      expect([error.code, error.message]).toEqual([
        "write-failed",
        expect.stringContaining("put in the place of its draft"),
      ])
    },
  )

  hostile(
    "a file in place that its user may have open gets no value of somebody else's",
    async ({ app: folder }) => {
      const file = fileOf(join(folder, ".env"), other, "PORT=80\n")
      const draft = await draftInPlace(file, Buffer.from("PORT=80\n"), Buffer.from("secret"), {
        uid: other,
        mode: 0o600,
      })
      rmSync(file)
      fileOf(file, app, "PORT=80\n")
      expect(await codeOf(draft.commit())).toBe("output-planted")
      expect(readFileSync(file, "utf8")).toBe("PORT=80\n")
    },
  )

  hostile(
    "nothing is in the way of one that nobody disturbs, nor left beside it",
    async ({ app: folder }) => {
      const sub = folderOf(join(folder, "sub"), app)
      const shows = fresh()
      await deliver(env(sub), shows)
      expect([statSync(join(sub, ".env")).uid, readdirSync(sub)]).toEqual([0, [".env"]])
    },
  )
})
