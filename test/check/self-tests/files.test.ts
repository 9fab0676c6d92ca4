import { expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { obstacleTo } from "../../../src/base/files/runnable.ts"
import { type Expected, files } from "../../../src/check/self-tests/files.ts"
import { hooks } from "../../../src/check/self-tests/hooks.ts"
import { parents } from "../../../src/check/self-tests/parents.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { found, result } from "./looks.ts"

const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

function make(path: string, mode: number): string {
  writeFileSync(path, "x")
  chmodSync(path, mode)
  return path
}
const modeOf = (path: string): number => statSync(path).mode & 0o7777
const inspect = (expected: Expected, fix = false): Promise<readonly string[]> =>
  found(files, { expected: [expected], fix })

test("files is content with what is missing, and with what is narrower than need be", async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, "state.json")
  expect(await inspect({ path, what: "a state", kind: "file", mode: 0o600 })).toEqual([])
  expect(
    await inspect({
      path: make(path, 0o400),
      what: "a state",
      kind: "file",
      mode: 0o600,
      owners: [me.uid],
    }),
  ).toEqual([])
})

test("files finds each bit too many, also the group's, where an ACL would show", async () => {
  await using folder = await temporaryFolder()
  const path = make(join(folder.path, "state.json"), 0o600)
  for (const mode of [0o604, 0o640, 0o620, 0o4600]) {
    chmodSync(path, mode)
    expect(await inspect({ path, what: "a state", kind: "file", mode: 0o600 })).toEqual([
      "file-open error",
    ])
  }
})

test("files puts modes right where asked, says so, and warns of what others may have read", async () => {
  await using folder = await temporaryFolder()
  const path = make(join(folder.path, "state.json"), 0o644)
  const { findings, mended } = await result(files, {
    expected: [{ path, what: "a state", kind: "file", mode: 0o600 }],
    fix: true,
  })
  expect(findings).toEqual([])
  expect(mended).toEqual([
    `${path} (a state): mode 0644 is now 0600; if others may have read it, rotate what it holds`,
  ])
  expect(modeOf(path)).toBe(0o600)
  const inner = join(folder.path, "inner")
  mkdirSync(inner, { mode: 0o755 })
  expect(
    await inspect({ path: inner, what: "a folder", kind: "folder", mode: 0o700 }, true),
  ).toEqual([])
  expect(modeOf(inner)).toBe(0o700)
})

test.skipIf(me.uid !== 0)(
  `files puts modes right in the folder that it has opened, wherever that path leads by then${me.uid === 0 ? "" : " (skipped: needs root, for a folder of another user)"}`,
  async () => {
    await using folder = await temporaryFolder()
    const [app, outside] = [join(folder.path, "app/conf"), join(folder.path, "outside")]
    for (const path of [app, outside]) {
      mkdirSync(path, { recursive: true, mode: 0o755 })
      make(join(path, ".env"), 0o644)
    }
    for (const path of [join(app, ".."), app, join(app, ".env")]) chownSync(path, 4242, 4242)
    // The application swaps its folder when the mode is asked for the second time: the folder is
    // open by then.
    let asked = 0
    const swapped: Expected = {
      path: join(app, ".env"),
      what: "an output",
      kind: "file",
      exact: true,
      get mode() {
        if (++asked === 2) {
          renameSync(app, `${app}-moved`)
          symlinkSync(outside, app)
        }
        return 0o600
      },
    }
    await inspect(swapped, true)
    expect(asked).toBeGreaterThan(1)
    expect([modeOf(join(outside, ".env")), modeOf(join(`${app}-moved`, ".env"))]).toEqual([
      0o644, 0o600,
    ])
  },
)

test("files never widens what is ours, but gives an output just its mode", async () => {
  await using folder = await temporaryFolder()
  const path = make(join(folder.path, ".env"), 0o400)
  expect(await inspect({ path, what: "a state", kind: "file", mode: 0o600 }, true)).toEqual([])
  expect(modeOf(path)).toBe(0o400)
  expect(
    await inspect({ path, what: "an output", kind: "file", mode: 0o640, exact: true }),
  ).toEqual(["file-mode warning"])
  expect(
    await inspect({ path, what: "an output", kind: "file", mode: 0o640, exact: true }, true),
  ).toEqual([])
  expect(modeOf(path)).toBe(0o640)
})

test("files leaves the identity as it is: a chmod takes no reading back", async () => {
  await using folder = await temporaryFolder()
  const path = make(join(folder.path, "identity.txt"), 0o640)
  expect(
    await inspect({ path, what: "the identity", kind: "file", mode: 0o600, identity: true }, true),
  ).toEqual(["identity-open error"])
  expect(modeOf(path)).toBe(0o640)
})

test("files finds links, other kinds and other owners, and never follows a link to mend", async () => {
  await using folder = await temporaryFolder()
  const real = make(join(folder.path, "real"), 0o644)
  const link = join(folder.path, "link")
  symlinkSync(real, link)
  expect(await inspect({ path: link, what: "a state", kind: "file", mode: 0o600 }, true)).toEqual([
    "file-is-link error",
  ])
  expect(modeOf(real)).toBe(0o644)
  expect(await inspect({ path: folder.path, what: "a state", kind: "file", mode: 0o600 })).toEqual([
    "file-irregular error",
  ])
  chmodSync(real, 0o600)
  expect(
    await inspect({ path: real, what: "a state", kind: "file", mode: 0o600, owners: [me.uid + 1] }),
  ).toEqual(["file-owner error"])
})

test("parents finds a folder above that others can write, through a link too", async () => {
  await using folder = await temporaryFolder()
  const open = join(folder.path, "open")
  mkdirSync(join(open, "inner"), { recursive: true })
  const guarded = (path: string) => ({ guarded: [{ path, what: "the store", owners: [] }], me })
  expect(await found(parents, guarded(join(open, "inner", "file")))).toEqual([])
  chmodSync(open, 0o777)
  expect(await found(parents, guarded(join(open, "inner", "file")))).toEqual([
    "parent-writable error",
  ])
  symlinkSync(join(open, "inner"), join(folder.path, "link"))
  expect(await found(parents, guarded(join(folder.path, "link", "file")))).toEqual([
    "parent-writable error",
  ])
  chmodSync(open, 0o1777)
  expect(await found(parents, guarded(join(open, "inner", "file")))).toEqual([])
})

test("parents warns of a foreign group, and fails for a foreign owner", async () => {
  await using folder = await temporaryFolder()
  chmodSync(folder.path, 0o770)
  const path = join(folder.path, "file")
  expect(await found(parents, { guarded: [{ path, what: "the store", owners: [] }], me })).toEqual(
    [],
  )
  // Somebody else looks: whose group and folder are then not theirs. A group 0 is root's own.
  const other = { uid: 4242, gid: 4242 }
  const codes = await found(parents, {
    guarded: [{ path, what: "the store", owners: [me.uid] }],
    me: other,
  })
  expect(codes).toEqual(statSync(folder.path).gid === 0 ? [] : ["parent-group-writable warning"])
  // The folder that it lies in may be ours, too.
  const foreign = new Set(
    await found(parents, { guarded: [{ path, what: "the store", owners: [] }], me: other }),
  )
  if (me.uid !== 0) expect([...foreign]).toEqual(["parent-foreign error"])
})

test("hooks finds a program that others can change or that is not there", async () => {
  await using folder = await temporaryFolder()
  const path = make(join(folder.path, "restart"), 0o755)
  const inspect = (): Promise<readonly string[]> =>
    found(hooks, {
      programs: [{ argv: [path], folder: "/", what: "the restart of production/api" }],
    })
  expect(await inspect()).toEqual([])
  chmodSync(path, 0o757)
  expect(await inspect()).toEqual(["hook-writable error"])
  chmodSync(path, 0o644)
  expect(await inspect()).toEqual(["hook-missing error"])
  expect((await obstacleTo(path))?.remedy).toBe(`chmod +x ${path}`)
  chmodSync(path, 0o755)
  chmodSync(folder.path, 0o777)
  expect(await inspect()).toEqual(["hook-writable error"])
  expect(
    await found(hooks, {
      programs: [{ argv: [join(folder.path, "none")], folder: "/", what: "a restart" }],
    }),
  ).toEqual(["hook-missing error", "hook-writable error"])
})
