import { describe, expect, test } from "bun:test"
import { chmodSync, chownSync, lchownSync, mkdirSync, renameSync, symlinkSync } from "node:fs"
import { createServer, connect } from "node:net"
import { join } from "node:path"
import { isPrivateGroup } from "../../../src/base/system/accounts.ts"
import { openSocketFile } from "../../../src/base/files/socket-file.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const own = process.getuid?.() ?? 0
const skipped = own === 0 ? "" : " (skipped: only root can give files to others)"
const [redis, other] = [4711, 4712]

async function ownerAt(path: string): Promise<unknown> {
  await using file = await openSocketFile(path)
  return file.isAnybodys ? "anybody's" : file.owner()
}

/** Listens at `path`, and says `name` to all who come. */
async function listen(path: string, name = ""): Promise<AsyncDisposable> {
  const server = createServer((socket) => void socket.end(name))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return { [Symbol.asyncDispose]: async () => void server.close() }
}

describe("the file of a unix socket", () => {
  test("says who made it, through our own links too; nothing in a folder where all may make one", async () => {
    await using folder = await temporaryFolder()
    const inside = join(folder.path, "run")
    mkdirSync(inside, { mode: 0o755 })
    const path = join(inside, "server.sock")
    await using _ = await listen(path)
    symlinkSync(inside, join(folder.path, "link"))
    symlinkSync(path, join(folder.path, "sock"))
    expect(
      await Promise.all(
        [path, join(folder.path, "link", "server.sock"), join(folder.path, "sock")].map(ownerAt),
      ),
    ).toEqual([own, own, own])
    for (const mode of [0o777, 0o1777, 0o3777]) {
      chmodSync(inside, mode)
      expect(await ownerAt(path)).toBe("anybody's")
    }
    chmodSync(inside, 0o755)
    expect(await ownerAt(join(inside, "none"))).toBeUndefined()
    expect(await ownerAt(inside)).toBeUndefined()
    await expect(ownerAt(join(folder.path, "none", "server.sock"))).rejects.toMatchObject({
      code: "ENOENT",
    })
  })

  test.skipIf(own !== 0)(
    `in a folder of another user it is theirs, also where root owns the file; never a third user's${skipped}`,
    async () => {
      await using folder = await temporaryFolder()
      chmodSync(folder.path, 0o755)
      const inside = join(folder.path, "run")
      mkdirSync(inside)
      const path = join(inside, "server.sock")
      await using _ = await listen(path)
      chownSync(path, redis, redis)
      expect(await ownerAt(path)).toBe(redis)
      chownSync(inside, redis, redis)
      expect(await ownerAt(path)).toBe(redis)
      chownSync(path, 0, 0)
      expect(await ownerAt(path)).toBe(redis)
      chownSync(path, other, other)
      expect(await ownerAt(path)).toBe("several")
      chownSync(path, redis, redis)
      // A group that more than this user may be in.
      chmodSync(inside, 0o2775)
      expect(await ownerAt(path)).toBe("anybody's")
      chmodSync(inside, 0o755)
      // A group of the user's own, as Debian gives /run/postgresql to postgres.
      if (isPrivateGroup(1, 1)) {
        for (const place of [inside, path]) chownSync(place, 1, 1)
        chmodSync(inside, 0o2775)
        expect(await ownerAt(path)).toBe(1)
        for (const place of [inside, path]) chownSync(place, redis, redis)
        chmodSync(inside, 0o755)
      }
      // Below a folder that all may write, it is held: who can change it is its owner alone.
      chmodSync(folder.path, 0o1777)
      expect(await ownerAt(path)).toBe(redis)
      chmodSync(inside, 0o777)
      expect(await ownerAt(path)).toBe("anybody's")
    },
  )

  test.skipIf(own !== 0)(
    `a link of another user's is not followed, and what is exchanged later leads nowhere else${skipped}`,
    async () => {
      await using folder = await temporaryFolder()
      chmodSync(folder.path, 0o1777)
      const [theirs, evil] = [join(folder.path, "run"), join(folder.path, "evil")]
      for (const path of [theirs, evil]) mkdirSync(path)
      await using _ = await listen(join(theirs, "s"), "the server")
      await using __ = await listen(join(evil, "s"), "another")
      chownSync(theirs, redis, redis)
      chownSync(evil, other, other)
      {
        await using file = await openSocketFile(join(theirs, "s"))
        renameSync(theirs, join(folder.path, "away"))
        renameSync(evil, theirs)
        const heard = await new Promise<string>(
          (resolve) => void connect(file.path).on("data", (chunk) => resolve(chunk.toString())),
        )
        expect([heard, await file.owner()]).toEqual(["the server", redis])
      }
      symlinkSync(join(folder.path, "away"), evil)
      lchownSync(evil, other, other)
      await expect(openSocketFile(join(evil, "s"))).rejects.toMatchObject({ code: "file-is-link" })
    },
  )
})
