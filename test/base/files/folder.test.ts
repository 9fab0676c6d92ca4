import { describe, expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import {
  durableAppend,
  durableRemove,
  durableWrite,
} from "../../../src/base/files/durable-write.ts"
import { type Keeper, openFolder } from "../../../src/base/files/folder.ts"
import { durableFolder } from "../../../src/base/files/durable-folder.ts"
import { readRegular } from "../../../src/base/files/read-regular.ts"
import { takeLock } from "../../../src/base/files/lock.ts"
import { makeFolderIn } from "../../../src/base/files/new-folder.ts"
import { readRealFile } from "../../../src/base/files/real-file.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const asRoot = process.geteuid?.() === 0
const [app, other] = [4242, 4343]

function between(title: string, run: (root: string) => Promise<void>): void {
  test.skipIf(!asRoot)(
    `${title}${asRoot ? "" : " (skipped: needs root, for folders of two users)"}`,
    async () => {
      await using temporary = await temporaryFolder()
      await run(temporary.path)
    },
  )
}

/** "app 755": a user and a mode; each folder lies in the one before. */
type Step = readonly [uid: number, gid: number, mode: number]
function lay(root: string, steps: readonly Step[]): string {
  let at = root
  for (const [uid, gid, mode] of steps) {
    at = join(at, "x")
    mkdirSync(at)
    chownSync(at, uid, gid)
    chmodSync(at, mode)
  }
  return at
}
const ofApp = (root: string, mode = 0o755): string => lay(root, [[app, app, mode]])

describe("who can change what lies in a folder", () => {
  const cases: readonly (readonly [string, readonly Step[], Keeper | "refused"])[] = [
    ["root alone", [[0, 0, 0o755]], "ours"],
    ["root's group counts as root", [[0, 0, 0o775]], "ours"],
    ["one user", [[app, app, 0o755]], app],
    [
      "one user, whatever is root's below",
      [
        [app, app, 0o755],
        [0, 0, 0o755],
      ],
      app,
    ],
    [
      "one user, twice",
      [
        [app, app, 0o755],
        [app, app, 0o700],
      ],
      app,
    ],
    [
      "two users",
      [
        [app, app, 0o755],
        [other, other, 0o755],
      ],
      "refused",
    ],
    [
      "two users, with root between them",
      [
        [app, app, 0o755],
        [0, 0, 0o755],
        [other, other, 0o755],
      ],
      "refused",
    ],
    ["a group", [[0, other, 0o775]], "shared"],
    ["a group of unknown members", [[app, app, 0o775]], "shared"],
    ["everybody", [[0, 0, 0o777]], "shared"],
    [
      "everybody, with root's own below",
      [
        [0, 0, 0o777],
        [0, 0, 0o700],
      ],
      "shared",
    ],
    ["everybody makes files in a sticky folder", [[0, 0, 0o1777]], "shared"],
    [
      "no user replaces root's own in a sticky folder",
      [
        [0, 0, 0o1777],
        [0, 0, 0o700],
      ],
      "ours",
    ],
    [
      "anybody could have made a user's own in a sticky folder",
      [
        [0, 0, 0o1777],
        [app, app, 0o700],
      ],
      "shared",
    ],
  ]
  for (const [title, steps, expected] of cases) {
    between(title, async (root) => {
      const path = lay(root, steps)
      if (expected === "refused")
        expect((await errorOf(openFolder(path))).code).toBe("folder-of-others")
      else {
        await using folder = await openFolder(path)
        expect(folder.keeper).toBe(expected)
        expect(folder.stats.ino).toBe(statSync(path).ino)
      }
    })
  }
})

describe("a folder that is held", () => {
  between("stays the one that was opened, wherever its path leads", async (root) => {
    const path = lay(root, [
      [app, app, 0o755],
      [0, 0, 0o755],
    ])
    await using folder = await openFolder(path)
    expect(folder.isHeld).toBe(true)
    renameSync(path, `${path}-moved`)
    symlinkSync("/etc", path)
    await makeFolderIn(folder, "made", { mode: 0o750, uid: app, gid: app })
    const { uid, mode } = statSync(join(`${path}-moved`, "made"))
    expect([uid, mode & 0o7777]).toEqual([app, 0o750])
    expect(existsSync("/etc/made")).toBe(false)
  })

  between("is none if no other user can move it: its path is as good", async (root) => {
    for (const path of [ofApp(root), root]) {
      await using folder = await openFolder(path)
      expect(folder.isHeld).toBe(false)
    }
  })

  between("leaves no descriptor open", async (root) => {
    const path = lay(root, [
      [app, app, 0o755],
      [0, 0, 0o755],
      [0, 0, 0o755],
    ])
    const open = (): number => readdirSync("/proc/self/fd").length
    const before = open()
    for (let round = 0; round < 20; round++) {
      await durableWrite(join(path, "file"), "x")
      await readRegular(join(path, "file"))
      await durableRemove(join(path, "file"))
      await errorOf(
        readRegular(join(path, "none", "file"))
          .then(() => errorOf(durableWrite(join(path, "none", "file"), "x")))
          .then((error) => Promise.reject(error)),
      )
    }
    expect(open()).toBe(before)
  })
})

describe("a link that another user put on the way", () => {
  between(
    "makes no folder elsewhere, and writes, appends, removes and locks nothing there",
    async (root) => {
      const outside = join(root, "outside")
      mkdirSync(outside)
      for (const name of ["state.json", "production.lock"])
        writeFileSync(join(outside, name), "theirs")
      const path = join(ofApp(root), "store")
      symlinkSync(outside, path)
      const inside = join(path, "state.json")
      for (const act of [
        () => durableFolder(join(path, "secrets", "shop")),
        () => durableWrite(inside, "ours"),
        () => durableRemove(inside),
        () => durableAppend(inside, "ours"),
        () => readRegular(inside),
        () => readRealFile(inside, 100),
      ]) {
        expect((await errorOf(act())).code).toBe("file-is-link")
      }
      expect(readdirSync(outside).sort()).toEqual(["production.lock", "state.json"])
      expect(readFileSync(join(outside, "state.json"), "utf8")).toBe("theirs")
    },
  )

  between("in the place of a lock makes no other file", async (root) => {
    symlinkSync(join(root, "elsewhere"), join(root, "production.lock"))
    expect((await errorOf(takeLock(join(root, "production.lock"), "a test"))).code).toBe(
      "lock-failed",
    )
    expect(existsSync(join(root, "elsewhere"))).toBe(false)
  })

  between(
    "to a file of another user is not read as a credential; nor is a hard link to one",
    async (root) => {
      const secret = join(root, "secret")
      writeFileSync(secret, "hunter2", { mode: 0o600 })
      const folder = ofApp(root)
      symlinkSync(secret, join(folder, "link"))
      linkSync(secret, join(folder, "hard"))
      expect((await errorOf(readRealFile(join(folder, "link"), 100))).code).toBe("file-is-link")
      expect((await errorOf(readRealFile(join(folder, "hard"), 100))).code).toBe("file-hard-linked")
    },
  )

  between("is no pipe that keeps an append waiting", async (root) => {
    const path = join(ofApp(root), "log")
    Bun.spawnSync(["mkfifo", path])
    await expect(durableAppend(path, "line\n")).rejects.toMatchObject({ code: "ENXIO" })
  })
})

between(
  "links as Kubernetes mounts secrets are followed, and so is one of root's in a folder of root's",
  async (root) => {
    const mount = lay(root, [[0, 0, 0o1777]])
    mkdirSync(join(mount, "..2026"), { mode: 0o755 })
    writeFileSync(join(mount, "..2026", "password"), "hunter2", { mode: 0o644 })
    symlinkSync("..2026", join(mount, "..data"))
    symlinkSync("..data/password", join(mount, "password"))
    symlinkSync(join(mount, "password"), join(root, "named"))
    for (const path of [join(mount, "password"), join(root, "named")])
      expect(Buffer.from((await readRealFile(path, 100))?.bytes ?? "").toString()).toBe("hunter2")
  },
)

test("a way that ends early, or goes in circles, is told as the system tells it", async () => {
  await using temporary = await temporaryFolder()
  writeFileSync(join(temporary.path, "file"), "")
  symlinkSync("round", join(temporary.path, "round"))
  const code = (path: string): Promise<unknown> =>
    openFolder(join(temporary.path, path)).then(
      () => "opened",
      (error: { readonly code?: unknown }) => error.code,
    )
  expect(
    await Promise.all(["none", "none/further", "file", "file/further", "round"].map(code)),
  ).toEqual(["ENOENT", "ENOENT", "ENOTDIR", "ENOTDIR", "ELOOP"])
  expect(dirname(temporary.path)).not.toBe("/")
})
