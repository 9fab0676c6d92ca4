import { describe, expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { AppError } from "../../../../src/base/error.ts"
import { errorOf } from "../../../support/error-of.ts"
import { SmallDisk, whyNoDisk } from "../../../support/small-disk.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import {
  type Kind,
  contents,
  deliver,
  fresh,
  knownOf,
  never,
  snapshot,
  valuesOf,
} from "./harness.ts"

/** One suite for all outputs: what the contract in core/ports.ts says, asked of each with real files. */

const asRoot = process.geteuid?.() === 0

export function outputSuite(name: string, kind: Kind): void {
  const { open, files, reads, byHand } = kind
  const [first = ""] = files
  const last = files.at(-1) ?? ""
  const inFolder = (
    title: string,
    run: (folder: string) => Promise<void>,
    needsRoot = false,
  ): void => {
    test.skipIf(needsRoot && !asRoot)(
      `${title}${needsRoot && !asRoot ? " (skipped: needs root)" : ""}`,
      async () => {
        await using folder = await temporaryFolder()
        await run(folder.path)
      },
      60_000,
    )
  }

  describe(`output ${name}`, () => {
    inFolder(
      "writes private files that a reader reads, and the same bytes each time",
      async (folder) => {
        const shows = fresh()
        const output = open(folder)
        expect([...output.shows].sort()).toEqual(["db", "key"])
        expect(await output.read()).toBeUndefined()
        expect(await output.compare(valuesOf(shows), never)).toBe("missing")
        const draft = await output.prepare(valuesOf(shows), knownOf(), never)
        expect(draft.changed).toBe(true)
        expect(draft.changes.length).toBeGreaterThan(0)
        expect(files.map((file) => existsSync(join(folder, file)))).toEqual(files.map(() => false))
        await draft.commit()
        expect(reads(folder)).toEqual(shows)
        for (const file of files)
          expect((statSync(join(folder, file)).mode & 0o7777).toString(8)).toBe("600")
        expect(Buffer.from((await output.read()) ?? "").equals(draft.bytes)).toBe(true)
        expect(await output.compare(valuesOf(shows), never)).toBe("same")
        expect(await output.compare(valuesOf(fresh()), never)).toBe("differs")
        const again = await open(folder).prepare(valuesOf(shows), knownOf(), never)
        expect({ changed: again.changed, changes: again.changes }).toEqual({
          changed: false,
          changes: [],
        })
      },
    )

    inFolder(
      "shows what is new when it is committed, and nothing of a draft that is discarded",
      async (folder) => {
        const [old, next] = [fresh(), fresh()]
        await deliver(open(folder), old)
        const before = snapshot(folder)
        const draft = await open(folder).prepare(valuesOf(next), knownOf(old), never)
        expect(reads(folder)).toEqual(old)
        await draft.discard()
        expect(snapshot(folder)).toEqual(before)
        await deliver(open(folder), next, old)
        expect(reads(folder)).toEqual(next)
        expect(Object.keys(snapshot(folder))).toEqual(Object.keys(before))
      },
    )

    inFolder(
      kind.inPlace === true
        ? "writes into the existing file, for programs that have it open or mounted"
        : "puts a new file in the place of the old one, whole",
      async (folder) => {
        const [old, next] = [fresh(), fresh("other")]
        await deliver(open(folder), old)
        const inode = statSync(join(folder, last)).ino
        await deliver(open(folder), next, old)
        expect(statSync(join(folder, last)).ino === inode).toBe(kind.inPlace === true)
        expect(reads(folder)).toEqual(next)
      },
    )

    inFolder("leaves nothing where a draft of a first file is discarded", async (folder) => {
      const draft = await open(folder).prepare(valuesOf(fresh()), knownOf(), never)
      await draft.discard()
      expect(snapshot(folder)).toEqual({})
    })

    inFolder("puts former bytes back, and takes away what was not there", async (folder) => {
      const [old, next] = [fresh(), fresh()]
      byHand(folder, old)
      const before = contents(folder)
      const output = open(folder)
      const former = await output.read()
      await deliver(output, next, old)
      expect(reads(folder)).toEqual(next)
      const back = await output.restore(former, never)
      expect(reads(folder)).toEqual(next)
      await back.commit()
      expect(contents(folder)).toEqual(before)
      expect((await output.restore(former, never)).changed).toBe(false)
      await (await output.restore(undefined, never)).commit()
      expect(files.map((file) => existsSync(join(folder, file)))).toEqual(files.map(() => false))
      expect((await output.restore(undefined, never)).changed).toBe(false)
    })

    inFolder("takes over what people wrote there, and overwrites it only then", async (folder) => {
      const [theirs, ours] = [fresh(), fresh()]
      byHand(folder, theirs)
      const before = snapshot(folder)
      const refused = await errorOf(open(folder).prepare(valuesOf(ours), knownOf(ours), never))
      expect(["output-drift", "output-foreign"]).toContain(refused.code)
      expect(refused.hint ?? "").not.toBe("")
      expect(snapshot(folder)).toEqual(before)
      const found = await open(folder).adopt(["db", "key"])
      expect(found).toEqual(
        kind.oneWay === true
          ? {}
          : { db: { user: theirs.user, password: theirs.password }, key: { password: theirs.key } },
      )
      expect(await open(folder).adopt([])).toEqual({})
      await deliver(open(folder), ours, theirs)
      expect(reads(folder)).toEqual(ours)
    })

    inFolder("adopts what it wrote itself, and nothing where nothing is", async (folder) => {
      expect(await open(folder).adopt(["db", "key"])).toEqual({})
      const shows = fresh()
      await deliver(open(folder), shows)
      expect(await open(folder).adopt(["key"])).toEqual(
        kind.oneWay === true ? {} : { key: { password: shows.key } },
      )
    })

    for (const which of ["password", "key"] as const) {
      inFolder(
        `refuses a ${which} that is in no version, whatever else is known`,
        async (folder) => {
          const [old, next] = [fresh(), fresh()]
          byHand(folder, { ...old, [which]: fresh().password })
          const before = snapshot(folder)
          const error = await errorOf(
            open(folder).prepare(valuesOf(next), knownOf(old, next), never),
          )
          expect(["output-drift", "output-foreign"]).toContain(error.code)
          expect(snapshot(folder)).toEqual(before)
        },
      )
    }

    inFolder(
      "overwrites its own bytes, though no version explains them any more",
      async (folder) => {
        const [old, next] = [fresh(), fresh()]
        await deliver(open(folder), old)
        const bytes = await open(folder).read()
        const none = knownOf()
        const asked: string[] = []
        const issued = Object.assign(
          (secret: string, which: "recent" | "all") => none(secret, which),
          {
            isOurWrite: (target: string, now: Uint8Array) => (
              asked.push(target), bytes !== undefined && Buffer.from(now).equals(bytes)
            ),
          },
        )
        if (open(folder).whole === true && !name.startsWith("dotenv")) {
          await (await open(folder).prepare(valuesOf(next), issued, never)).commit()
          expect(reads(folder)).toEqual(next)
          expect(asked).toContain(open(folder).target)
        } else
          expect((await errorOf(open(folder).prepare(valuesOf(next), issued, never))).code).toBe(
            "output-drift",
          )
      },
    )

    inFolder("takes an empty file for nothing", async (folder) => {
      for (const file of files) {
        mkdirSync(dirname(join(folder, file)), { recursive: true })
        writeFileSync(join(folder, file), "", { mode: 0o600 })
      }
      const shows = fresh()
      expect(await open(folder).adopt(["db"])).toEqual({})
      expect(await open(folder).compare(valuesOf(shows), never)).toBe("missing")
      await deliver(open(folder), shows)
      expect(reads(folder)).toEqual(shows)
    })

    const { foreign } = kind
    if (foreign !== undefined) {
      inFolder("does not overwrite what it did not write", async (folder) => {
        foreign(folder)
        const before = snapshot(folder)
        const error = await errorOf(
          open(folder).prepare(valuesOf(fresh()), knownOf(fresh()), never),
        )
        expect(["output-foreign", "output-drift"]).toContain(error.code)
        expect(error.hint ?? "").not.toBe("")
        expect(snapshot(folder)).toEqual(before)
      })
    }

    inFolder(
      "removes what shows a secret, and the last of it with a file of its own",
      async (folder) => {
        const shows = fresh()
        const output = open(folder)
        await deliver(output, shows)
        const draft = await output.remove?.(["db"], knownOf(shows), never)
        expect(draft?.changes.length).toBeGreaterThan(0)
        expect(reads(folder)).toEqual(shows)
        await draft?.commit()
        if (kind.withoutDb === "nothing")
          expect(files.some((file) => existsSync(join(folder, file)))).toBe(false)
        else {
          expect(Object.values(contents(folder)).join("")).not.toContain(shows.password)
          expect(Object.values(contents(folder)).join("")).toContain(shows.key)
        }
        await (await output.remove?.(["key"], knownOf(shows), never))?.commit()
        // A file that is shared with others may be named by them, too: it stays, empty.
        expect(files.map((file) => existsSync(join(folder, file)))).toEqual(
          files.map(() => kind.merged === true),
        )
        expect(Object.values(contents(folder)).join("")).toBe("")
        expect((await output.remove?.(["key"], knownOf(shows), never))?.changed).toBe(false)
      },
    )

    inFolder("does not remove a value that is in no version", async (folder) => {
      byHand(folder, fresh())
      const before = snapshot(folder)
      expect(
        (await errorOf(open(folder).remove?.(["db"], knownOf(fresh()), never) ?? Promise.resolve()))
          .code,
      ).toBe("output-drift")
      expect(snapshot(folder)).toEqual(before)
    })

    inFolder("does not commit over what was changed meanwhile", async (folder) => {
      const [old, theirs, next] = [fresh(), fresh(), fresh()]
      await deliver(open(folder), old)
      const draft = await open(folder).prepare(valuesOf(next), knownOf(old), never)
      byHand(folder, theirs)
      const edited = snapshot(folder)
      expect((await errorOf(draft.commit())).code).toBe("output-changed-meanwhile")
      await draft.discard()
      expect(contents(folder)).toEqual(
        Object.fromEntries(
          Object.entries(edited)
            .filter(([file]) => !file.includes("mycelium"))
            .map(([file, message]) => [file, message.split(" ").slice(2).join(" ")]),
        ),
      )
    })

    inFolder("corrects a mode that was widened, and reports no change", async (folder) => {
      const shows = fresh()
      await deliver(open(folder), shows)
      chmodSync(join(folder, last), 0o644)
      const draft = await open(folder).prepare(valuesOf(shows), knownOf(), never)
      expect({ changed: draft.changed, changes: draft.changes }).toEqual({
        changed: true,
        changes: [],
      })
      await draft.commit()
      expect((statSync(join(folder, last)).mode & 0o7777).toString(8)).toBe("600")
      expect(reads(folder)).toEqual(shows)
    })

    inFolder(
      "gives the files to their reader only",
      async (folder) => {
        chmodSync(folder, 0o711)
        const shows = fresh()
        const tryAll = (uid: number, gid: number): readonly boolean[] =>
          files.map(
            (file) =>
              Bun.spawnSync(["/bin/cat", join(folder, file)], {
                uid,
                gid,
                stdout: "ignore",
                stderr: "ignore",
              }).exitCode === 0,
          )
        const all = files.map(() => true)
        const none = files.map(() => false)
        await deliver(open(folder, { owner: "4242:4243" }), shows)
        expect([tryAll(4242, 4243), tryAll(65_534, 65_534), tryAll(4244, 4243)]).toEqual([
          all,
          none,
          none,
        ])
        chownSync(join(folder, last), 65_534, 65_534)
        const mended = await open(folder, { owner: "4242:4243" }).prepare(
          valuesOf(shows),
          knownOf(),
          never,
        )
        expect(mended.changed).toBe(true)
        await mended.commit()
        expect([tryAll(4242, 4243), tryAll(65_534, 65_534)]).toEqual([all, none])
      },
      true,
    )

    inFolder(
      "lets a group read if the mode says so, and no other user",
      async (folder) => {
        chmodSync(folder, 0o711)
        await deliver(open(folder, { group: "4243", mode: "0640" }), fresh())
        const tryLast = (uid: number, gid: number): boolean =>
          Bun.spawnSync(["/bin/cat", join(folder, last)], {
            uid,
            gid,
            stdout: "ignore",
            stderr: "ignore",
          }).exitCode === 0
        expect([tryLast(4244, 4243), tryLast(65_534, 65_534)]).toEqual([true, false])
      },
      true,
    )

    inFolder("refuses a link, what is no file, and a folder that is not there", async (folder) => {
      const shows = fresh()
      const elsewhere = join(folder, "elsewhere")
      mkdirSync(elsewhere, { mode: 0o700 })
      writeFileSync(join(elsewhere, "real"), "x", { mode: 0o600 })
      mkdirSync(dirname(join(folder, first)), { recursive: true })
      symlinkSync(join(elsewhere, "real"), join(folder, first))
      expect(
        (await errorOf(open(folder).prepare(valuesOf(shows), knownOf(shows), never))).code,
      ).toBe("file-is-link")
      expect((await errorOf(open(folder).adopt(["db"]))).code).toBe("file-is-link")
      expect(readFileSync(join(elsewhere, "real"), "utf8")).toBe("x")
      rmSync(join(folder, first))
      mkdirSync(join(folder, first))
      expect(
        (await errorOf(open(folder).prepare(valuesOf(shows), knownOf(shows), never))).code,
      ).toBe("file-irregular")
      expect(
        (
          await errorOf(
            open(join(folder, "not", "there")).prepare(valuesOf(shows), knownOf(shows), never),
          )
        ).code,
      ).toBe("output-folder-missing")
    })

    inFolder("refuses a link that comes between draft and commit", async (folder) => {
      const [old, next] = [fresh(), fresh("other")]
      await deliver(open(folder), old)
      const draft = await open(folder).prepare(valuesOf(next), knownOf(old), never)
      renameSync(join(folder, first), join(folder, "moved"))
      symlinkSync(join(folder, "moved"), join(folder, first))
      const before = readFileSync(join(folder, "moved"), "utf8")
      expect((await errorOf(draft.commit())).code).toBe("file-is-link")
      expect(readFileSync(join(folder, "moved"), "utf8")).toBe(before)
    })

    inFolder("is rid of the drafts that a crash left, and goes on", async (folder) => {
      const [old, next] = [fresh(), fresh()]
      await deliver(open(folder), old)
      const before = snapshot(folder)
      await open(folder).prepare(valuesOf(next), knownOf(old), never)
      expect(Object.keys(snapshot(folder)).length).toBeGreaterThan(Object.keys(before).length)
      await open(folder).tidy()
      await open(folder).tidy()
      expect(snapshot(folder)).toEqual(before)
      await deliver(open(folder), next, old)
      expect(reads(folder)).toEqual(next)
    })

    test.skipIf(whyNoDisk !== undefined)(
      `says of a full or read-only disk what it is, and leaves all as it was${whyNoDisk === undefined ? "" : ` (skipped: ${whyNoDisk})`}`,
      async () => {
        await using temporary = await temporaryFolder()
        using disk = new SmallDisk(join(temporary.path, "disk"))
        const { folder } = disk
        const [old, next] = [fresh(), fresh()]
        await deliver(open(folder), old)
        const attempt = (): Promise<AppError> =>
          errorOf(open(folder).prepare(valuesOf(next), knownOf(old), never))
        disk.fill()
        const before = snapshot(folder)
        const full = await attempt()
        expect([full.code, full.hint]).toEqual([
          "write-failed",
          "free some space on that disk; nothing was lost",
        ])
        expect(snapshot(folder)).toEqual(before)
        disk.empty()
        disk.readOnly()
        const shut = await attempt()
        expect([shut.code, shut.hint]).toEqual([
          "write-failed",
          "that file system is read-only: remount it, or choose another place",
        ])
        disk.writable()
        await deliver(open(folder), next, old)
        expect(reads(folder)).toEqual(next)
      },
    )

    inFolder("ends before it writes where it is told to stop", async (folder) => {
      await expect(
        open(folder).prepare(valuesOf(fresh()), knownOf(), AbortSignal.abort()),
      ).rejects.toThrow()
      await expect(open(folder).restore(undefined, AbortSignal.abort())).rejects.toThrow()
      expect(snapshot(folder)).toEqual({})
    })

    inFolder("holds no value in any error", async (folder) => {
      const errors: unknown[] = []
      const attempt = async (act: () => Promise<unknown>): Promise<void> =>
        void (await act().catch((error: unknown) => errors.push(error)))
      const [theirs, ours] = [fresh(), fresh()]
      for (const odd of ["\0", "\n", "\u2028", "é", '"', "\\", "$x", "`", "%", " #", "\ud800"]) {
        const hostile = { ...ours, password: `${ours.password}${odd}${ours.key}` }
        await attempt(() =>
          open(folder)
            .prepare(valuesOf(hostile), knownOf(), never)
            .then((draft) => draft.discard()),
        )
      }
      byHand(folder, theirs)
      for (const file of files) {
        for (const text of [
          theirs.password,
          `"${theirs.password}`,
          `{"db":"${theirs.password}`,
          `db: [${theirs.password}`,
          `${theirs.password}: &x ${theirs.key}\n${theirs.password}: *x`,
          `PASSWORD="${theirs.password}`,
          `PASSWORD=${theirs.password}\nPASSWORD=${theirs.key}`,
          `{"${theirs.password}": 1}`,
          `{"db":{"user":"${theirs.user}","user":"${theirs.key}"}}`,
          `\xff${theirs.password}`,
        ]) {
          writeFileSync(join(folder, file), Buffer.from(text, "latin1"))
          await attempt(() =>
            open(folder)
              .prepare(valuesOf(ours), knownOf(ours), never)
              .then((draft) => draft.discard()),
          )
          await attempt(() => open(folder).adopt(["db", "key"]))
          await attempt(() => open(folder).compare(valuesOf(ours), never))
          await attempt(async () =>
            (await open(folder).remove?.(["db"], knownOf(ours), never))?.discard(),
          )
        }
      }
      expect(errors.length).toBeGreaterThan(5)
      for (const error of errors) {
        expect(error instanceof AppError ? error.code : String(error)).toMatch(/^[a-z-]+$/)
        const message =
          `${String(error)} ${Bun.inspect(error)} ` +
          `${error instanceof AppError ? error.hint : ""}`
        expect(message).not.toContain("Marked")
      }
    })
  })
}
