import { describe, expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { askGithub } from "../../../../scripts/readers/github.ts"
import { draftPath } from "../../../../src/base/files/draft-file.ts"
import { errorOf } from "../../../support/error-of.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { credential, db, deliver, issued, modeOf, never, opened, put, text } from "./opened.ts"

const header = "# written by mycelium: production\n"
const asRoot = process.geteuid?.() === 0

describe("a whole file", () => {
  test("holds a header and our variables, is private, and comes out the same each time", async () => {
    await using folder = await temporaryFolder()
    const output = opened(folder.path, {
      variables: { PASSWORD: "{{ db.password }}", USER: "{{ db.user }}", LEVEL: "info" },
    })
    expect(output.shows).toEqual(["db"])
    expect(await output.read()).toBeUndefined()
    expect(await output.compare(db("new"), never)).toBe("missing")
    const draft = await output.prepare(db("new"), issued(), never)
    expect(existsSync(output.target)).toBe(false)
    expect((statSync(draftPath(output.target)).mode & 0o777).toString(8)).toBe("600")
    await draft.commit()
    expect(text(folder.path)).toBe(`${header}PASSWORD=new\nUSER=shop\nLEVEL=info\n`)
    expect(Buffer.from((await output.read()) ?? "").equals(Buffer.from(draft.bytes))).toBe(true)
    expect(modeOf(folder.path)).toBe("600")
    const again = await output.prepare(db("new"), issued(), never)
    expect({ changed: again.changed, changes: again.changes }).toEqual({
      changed: false,
      changes: [],
    })
    await again.commit()
    expect(readdirSync(folder.path)).toEqual([".env"])
  })

  test("names what changes, also what goes", async () => {
    await using folder = await temporaryFolder()
    put(folder.path, `${header}PASSWORD=old\nUSER=shop\nGONE=x\n`)
    const output = opened(folder.path, {
      variables: { USER: "{{ db.user }}", PASSWORD: "{{ db.password }}" },
    })
    const asWritten = Object.assign(issued("old"), { isOurWrite: () => true })
    expect((await output.prepare(db("new"), asWritten, never)).changes).toEqual([
      "PASSWORD",
      "GONE",
    ])
    const added = await errorOf(output.prepare(db("new"), issued("old"), never))
    expect([added.code, added.message]).toEqual([
      "output-foreign",
      expect.stringContaining("GONE was added to it by hand"),
    ])
  })

  test("has no header if its reader has no comments", async () => {
    await using folder = await temporaryFolder()
    const output = opened(folder.path, { for: "github" })
    await deliver(output, db("new"))
    expect(text(folder.path)).toBe("PASSWORD=new\n")
    await deliver(output, db("newer"), issued("new"))
    expect(text(folder.path)).toBe("PASSWORD=newer\n")
  })

  test.each([
    [{}, false],
    [{ for: "github" }, true],
    [{ merge: true }, true],
  ])("of %j can be appended to $GITHUB_ENV: %p", async (options, can) => {
    await using folder = await temporaryFolder()
    await deliver(opened(folder.path, options), db("new"))
    const found = askGithub([join(folder.path, ".env")])
    expect(Object.fromEntries(found)).toEqual(can ? { PASSWORD: "new" } : {})
  })

  test.each([
    ["OTHER=1\nPASSWORD=old\n", "holds other variables"],
    ["echo hello\nPASSWORD=old\n", "holds other lines"],
    ["# PASSWORD=older\nPASSWORD=old\n", "holds other lines"],
    ["PASSWORD=mine\n", "PASSWORD, its current value is not one Mycelium has stored"],
    ["# written by mycelium: staging\nPASSWORD=old\n", "written for another environment"],
  ])("does not replace a foreign one: %j", async (before, message) => {
    await using folder = await temporaryFolder()
    put(folder.path, before)
    const error = await errorOf(opened(folder.path, {}).prepare(db("new"), issued("old"), never))
    expect(error.code).toBe("output-foreign")
    expect(error.message).toContain(message)
    expect(error.message).not.toContain("mine")
    expect(text(folder.path)).toBe(before)
  })

  test.each(["PASSWORD=old\n", "\n\nPASSWORD='new'\n", "PASSWORD=\n", "\n", ""])(
    "replaces one that holds nothing but known values: %j",
    async (before) => {
      await using folder = await temporaryFolder()
      put(folder.path, before)
      await deliver(opened(folder.path, {}), db("new"), issued("old"))
      expect(text(folder.path)).toBe(`${header}PASSWORD=new\n`)
    },
  )
})

describe("drift", () => {
  const url = {
    PASSWORD: "{{ db.password }}",
    URL: "x://{{ db.user }}:{{ db.password | url_encode }}@{{ cache.password }}",
  }
  const values = { ...db("new"), cache: credential("v9", { password: "c2" }) }
  const versions = async (secret: string) =>
    secret === "db"
      ? [
          credential("v1", { user: "shop", password: "old" }),
          credential("v2", { user: "blue", password: "a b" }),
        ]
      : [credential("v8", { password: "c1" })]

  test.each(["x://shop:old@c1", "x://blue:a+b@c1", "x://blue:a%20b@c1"])(
    "is not %s: each secret shows a known version",
    async (value) => {
      await using folder = await temporaryFolder()
      put(folder.path, `PASSWORD=old\nURL=${value}\n`)
      await deliver(
        opened(folder.path, { for: "docker", merge: true, variables: url }),
        values,
        versions,
      )
      expect(text(folder.path)).toBe("PASSWORD=new\nURL=x://shop:new@c2\n")
    },
  )

  test.each([
    "x://blue:old@c1",
    "x://shop:qzqz@c1",
    "x://shop:old@qzqz",
    "y://shop:old@c1",
    "qzqz",
  ])("is %s", async (value) => {
    await using folder = await temporaryFolder()
    put(folder.path, `PASSWORD=old\nURL=${value}\n`)
    const error = await errorOf(
      opened(folder.path, { for: "docker", merge: true, variables: url }).prepare(
        values,
        versions,
        never,
      ),
    )
    expect(error.code).toBe("output-drift")
    expect(error.message).toContain("URL is not overwritten")
    expect(Bun.inspect(error)).not.toContain("qzqz")
    expect(existsSync(draftPath(join(folder.path, ".env")))).toBe(false)
  })

  test("tries every version of a template that cannot be read backwards", async () => {
    await using folder = await temporaryFolder()
    const variables = { A: "{{ db.password | upcase }}-{{ cache.password }}" }
    put(folder.path, "A='A B-c1'\n")
    await deliver(opened(folder.path, { for: "compose", merge: true, variables }), values, versions)
    expect(text(folder.path)).toBe("A='NEW-c2'\n")
    put(folder.path, "A='X-c1'\n")
    expect(
      (
        await errorOf(
          opened(folder.path, { for: "compose", merge: true, variables }).prepare(
            values,
            versions,
            never,
          ),
        )
      ).code,
    ).toBe("output-drift")
  })

  test("asks for the issued values only if the present value differs", async () => {
    await using folder = await temporaryFolder()
    put(folder.path, "PASSWORD=new\n")
    await deliver(opened(folder.path, { merge: true }), db("new"), () =>
      Promise.reject(new Error("asked")),
    )
    put(folder.path, "PASSWORD=\n")
    await deliver(opened(folder.path, { merge: true }), db("new"), () =>
      Promise.reject(new Error("asked")),
    )
  })
})

describe("commit()", () => {
  test.each([
    ["edited", "PASSWORD=theirs\n"],
    ["deleted", undefined],
  ])("refuses where the file was %s meanwhile", async (_, theirs) => {
    await using folder = await temporaryFolder()
    const path = put(folder.path, "PASSWORD=old\n")
    const draft = await opened(folder.path, { merge: true }).prepare(
      db("new"),
      issued("old"),
      never,
    )
    if (theirs === undefined) rmSync(path)
    else put(folder.path, theirs)
    const error = await errorOf(draft.commit())
    expect({ code: error.code, remedy: error.remedy }).toEqual({
      code: "output-changed-meanwhile",
      remedy: "retry",
    })
    await draft.discard()
    expect(readdirSync(folder.path)).toEqual(theirs === undefined ? [] : [".env"])
    if (theirs !== undefined) expect(text(folder.path)).toBe(theirs)
  })

  test("refuses if a file appeared meanwhile", async () => {
    await using folder = await temporaryFolder()
    const draft = await opened(folder.path, {}).prepare(db("new"), issued(), never)
    put(folder.path, "theirs\n")
    expect((await errorOf(draft.commit())).code).toBe("output-changed-meanwhile")
  })
})

describe("mode and owner", () => {
  test("are corrected, even if no value changes", async () => {
    await using folder = await temporaryFolder()
    put(folder.path, `${header}PASSWORD=new\n`)
    chmodSync(join(folder.path, ".env"), 0o644)
    const draft = await deliver(opened(folder.path, {}), db("new"))
    expect({ changed: draft.changed, changes: draft.changes, mode: modeOf(folder.path) }).toEqual({
      changed: true,
      changes: [],
      mode: "600",
    })
  })

  test("are the option's", async () => {
    await using folder = await temporaryFolder()
    await deliver(opened(folder.path, { mode: "0640" }), db("new"))
    expect(modeOf(folder.path)).toBe("640")
  })

  test.skipIf(!asRoot)(
    `follow owner: and else the file that is there${asRoot ? "" : " (skipped: only root can give files away)"}`,
    async () => {
      await using folder = await temporaryFolder()
      const path = put(folder.path, "PASSWORD=old\n")
      chownSync(path, 1234, 1235)
      await deliver(opened(folder.path, { merge: true }), db("new"), issued("old"))
      expect([statSync(path).uid, statSync(path).gid]).toEqual([1234, 1235])
      await deliver(opened(folder.path, { merge: true, owner: "77:78" }), db("new"))
      expect([statSync(path).uid, statSync(path).gid, modeOf(folder.path)]).toEqual([77, 78, "600"])
    },
  )

  test("never let others read, not for an instant", async () => {
    await using folder = await temporaryFolder()
    const before = process.umask(0)
    try {
      for (const options of [{}, { merge: true }, { mode: "0640" }]) {
        const output = opened(folder.path, options)
        const draft = await output.prepare(db("new"), issued(), never)
        if (draft.changed) expect(statSync(draftPath(output.target)).mode & 0o007).toBe(0)
        await draft.commit()
        expect(statSync(output.target).mode & 0o007).toBe(0)
        await (await output.restore(Buffer.from("A=1\n"), never)).commit()
        expect(statSync(output.target).mode & 0o007).toBe(0)
        rmSync(output.target)
      }
    } finally {
      process.umask(before)
    }
  })
})

describe("restore()", () => {
  test("puts bytes back, whatever they are", async () => {
    await using folder = await temporaryFolder()
    const output = opened(folder.path, {})
    await deliver(output, db("new"))
    const draft = await output.restore(Buffer.from([0x50, 0x3d, 0xff, 0x0d]), never)
    expect(draft.changes).toContain("PASSWORD")
    await draft.commit()
    expect(text(folder.path)).toBe("P=\u00ff\r")
    expect((await output.restore(Buffer.from([0x50, 0x3d, 0xff, 0x0d]), never)).changed).toBe(false)
  })

  test("removes the file if there was none", async () => {
    await using folder = await temporaryFolder()
    const output = opened(folder.path, {})
    await deliver(output, db("new"))
    await (await output.restore(undefined, never)).commit()
    expect(readdirSync(folder.path)).toEqual([])
    expect((await output.restore(undefined, never)).changed).toBe(false)
  })
})

describe("compare()", () => {
  test.each([
    ["PASSWORD=new\nUSER=shop\nX=1\n", true, "same"],
    ["PASSWORD=new\nUSER=shop\nX=1\n", false, "differs"],
    ["PASSWORD=new\nUSER=shop\n", false, "same"],
    ["PASSWORD=old\nUSER=shop\n", true, "differs"],
    ["PASSWORD=old\n", true, "differs"],
    ["PASSWORD=new\n", true, "missing"],
    ["PASSWORD=\nUSER=shop\n", true, "missing"],
    ["PASSWORD=new\nPASSWORD=new\nUSER=shop\n", true, "differs"],
    ["PASSWORD=$x\nUSER=shop\n", true, "differs"],
    ['PASSWORD="new\n', true, "differs"],
  ] as const)("says of %j, merge %p: %s", async (before, merge, expected) => {
    await using folder = await temporaryFolder()
    put(folder.path, before)
    const output = opened(folder.path, {
      for: "compose",
      merge,
      variables: { PASSWORD: "{{ db.password }}", USER: "{{ db.user }}" },
    })
    expect(await output.compare(db("new"), never)).toBe(expected)
  })
})

describe("a target", () => {
  test("that is a link, a folder, or in no folder is refused in a sentence", async () => {
    await using folder = await temporaryFolder()
    writeFileSync(join(folder.path, "real"), "PASSWORD=old\n", { mode: 0o600 })
    symlinkSync("real", join(folder.path, "link"))
    mkdirSync(join(folder.path, "folder"))
    const code = async (target: string): Promise<string> =>
      (
        await errorOf(
          opened(folder.path, { dotenv: target, merge: true }).prepare(
            db("new"),
            issued("old"),
            never,
          ),
        )
      ).code
    expect(await code("link")).toBe("file-is-link")
    expect(await code("folder")).toBe("file-irregular")
    expect(await code("none/here/.env")).toBe("output-folder-missing")
  })

  test("loses the draft that a crash left", async () => {
    await using folder = await temporaryFolder()
    const output = opened(folder.path, {})
    await output.prepare(db("new"), issued(), never)
    expect(readdirSync(folder.path)).toEqual(["..env.mycelium-draft"])
    await output.tidy()
    await output.tidy()
    expect(readdirSync(folder.path)).toEqual([])
  })

  test("is not touched once the signal has aborted", async () => {
    await using folder = await temporaryFolder()
    await expect(
      opened(folder.path, {}).prepare(db("new"), issued(), AbortSignal.abort()),
    ).rejects.toThrow()
    expect(readdirSync(folder.path)).toEqual([])
  })
})
