import { describe, expect, test } from "bun:test"
import { chmod, chown, mkdir, symlink } from "node:fs/promises"
import { checkTrust } from "../../src/config/trust.ts"
import { errorOf } from "../support/error-of.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const isRoot = me.uid === 0
const lacksRoot = isRoot ? "" : " (skipped: only root can give files away)"

/** A config in a folder of its own. */
async function config(folder: string): Promise<string> {
  await mkdir(`${folder}/etc`, { mode: 0o755 })
  await Bun.write(`${folder}/etc/mycelium.yaml`, "")
  await chmod(`${folder}/etc/mycelium.yaml`, 0o644)
  return `${folder}/etc/mycelium.yaml`
}

async function refusalOf(path: string): Promise<string> {
  const error = await errorOf(checkTrust(path, me))
  expect(error.code).toBe("config-writable-by-others")
  return error.message
}

describe("checkTrust()", () => {
  test("accepts what only we and root can change, below a folder with the sticky bit", async () => {
    await using folder = await temporaryFolder()
    expect(await checkTrust(await config(folder.path), me)).toEqual([])
  })

  test("refuses a config that everybody can write", async () => {
    await using folder = await temporaryFolder()
    const path = await config(folder.path)
    await chmod(path, 0o646)
    expect(await refusalOf(path)).toBe(`${path} can be written by every user`)
  })

  test("refuses a folder on the way that everybody can write", async () => {
    await using folder = await temporaryFolder()
    const path = await config(folder.path)
    await chmod(`${folder.path}/etc`, 0o757)
    expect(await refusalOf(path)).toBe(`${folder.path}/etc can be written by every user`)
    await chmod(`${folder.path}/etc`, 0o1777)
    expect(await checkTrust(path, me)).toEqual([])
  })

  test("follows links, and judges each folder that they pass", async () => {
    await using folder = await temporaryFolder()
    const path = await config(folder.path)
    await mkdir(`${folder.path}/open`)
    await chmod(`${folder.path}/open`, 0o777)
    await symlink("../etc/mycelium.yaml", `${folder.path}/open/link.yaml`)
    expect(await refusalOf(`${folder.path}/open/link.yaml`)).toBe(
      `${folder.path}/open can be written by every user`,
    )
    await symlink(`${folder.path}/open/link.yaml`, `${folder.path}/etc/far.yaml`)
    expect(await refusalOf(`${folder.path}/etc/far.yaml`)).toBe(
      `${folder.path}/open can be written by every user`,
    )
    await symlink(path, `${folder.path}/near.yaml`)
    expect(await checkTrust(`${folder.path}/near.yaml`, me)).toEqual([])
  })

  test("ends where links go in a ring, and where there is nothing", async () => {
    await using folder = await temporaryFolder()
    await symlink("b", `${folder.path}/a`)
    await symlink("a", `${folder.path}/b`)
    expect((await errorOf(checkTrust(`${folder.path}/a`, me))).message).toContain(
      "too many symbolic links",
    )
    expect((await errorOf(checkTrust(`${folder.path}/c`, me))).code).toBe("file-unreadable")
  })

  test.if(isRoot)(`refuses what belongs to another user, save root${lacksRoot}`, async () => {
    await using folder = await temporaryFolder()
    const path = await config(folder.path)
    await chown(path, 12345, 0)
    expect(await refusalOf(path)).toBe(`${path} belongs to another user (12345)`)
    // Seen by that user, the file is hers and the folders are root's.
    expect(await checkTrust(path, { uid: 12345, gid: 12345 })).toEqual([])
    await chown(`${folder.path}/etc`, 54321, 0)
    expect((await errorOf(checkTrust(path, { uid: 12345, gid: 12345 }))).message).toBe(
      `${folder.path}/etc belongs to another user (54321)`,
    )
  })

  test.if(isRoot)(`refuses a link that another user can point elsewhere${lacksRoot}`, async () => {
    await using folder = await temporaryFolder()
    const path = await config(folder.path)
    await chmod(folder.path, 0o1777)
    await symlink(path, `${folder.path}/link.yaml`)
    const { lchown } = await import("node:fs/promises")
    await lchown(`${folder.path}/link.yaml`, 12345, 0)
    expect(await refusalOf(`${folder.path}/link.yaml`)).toBe(
      `${folder.path}/link.yaml belongs to another user (12345)`,
    )
  })

  test.if(isRoot)(`warns of a group that can write, unless it is ours${lacksRoot}`, async () => {
    await using folder = await temporaryFolder()
    const path = await config(folder.path)
    await chmod(path, 0o664)
    expect(await checkTrust(path, me)).toEqual([])
    await chown(path, 0, 4711)
    expect(await checkTrust(path, me)).toEqual([
      {
        code: "config-group-writable",
        severity: "warning",
        message: `${path} can be written by a group (4711): each member can make Mycelium run programs`,
        remedy: `chmod g-w ${path}`,
      },
    ])
    expect(await checkTrust(path, { ...me, gid: 4711 })).toEqual([])
  })
})
