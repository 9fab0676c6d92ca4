import { describe, expect } from "bun:test"
import { readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { draftPath } from "../../../../src/base/files/draft-file.ts"
import { draftInPlace } from "../../../../src/base/files/in-place.ts"
import { errorOf } from "../../../support/error-of.ts"
import { deliver, fresh, knownOf, never, snapshot, valuesOf } from "../conformance/harness.ts"
import { app, codeOf, env, fileOf, folderOf, hostile, other } from "./ground.ts"

/** What another user can change between draft and commit, with Mycelium as root. */

describe("between draft and commit", () => {
  hostile(
    "a folder that was moved away is reported: no program reads there",
    async ({ app: folder }) => {
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
    },
  )

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
    "a file in place that its user may have open gets no value of another user",
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
    "a delivery without interference succeeds, and leaves nothing beside the file",
    async ({ app: folder }) => {
      const sub = folderOf(join(folder, "sub"), app)
      const shows = fresh()
      await deliver(env(sub), shows)
      expect([statSync(join(sub, ".env")).uid, readdirSync(sub)]).toEqual([0, [".env"]])
    },
  )
})
