import { describe, expect } from "bun:test"
import { chownSync, lstatSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import type { Output } from "../../../../src/core/ports.ts"
import { deliver, fresh, knownOf, never, snapshot, valuesOf } from "../conformance/harness.ts"
import { kinds } from "../conformance/kinds.ts"
import { app, codeOf, env, folderOf, hostile, other } from "./ground.ts"

/** Folders that another user can swap on the way to an output, with Mycelium as root. */

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
