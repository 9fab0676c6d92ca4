import { expect, test } from "bun:test"
import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { isServedType } from "../../../src/base/files/file-system.ts"
import { type Mount, parseMounts } from "../../../src/base/files/mounts.ts"
import { servedMountOf, servedMounts } from "../../../src/base/files/served-mounts.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const mountsWith = (...mounts: readonly (readonly [type: string, point: string])[]) =>
  parseMounts(
    [["ext4", "/"], ...mounts]
      .map(([type, point], index) => `${index + 2} 1 0:${index} / ${point} rw - ${type} x rw`)
      .join("\n"),
  )
const mountOf = (path: string, mounts: readonly Mount[]): string | undefined =>
  servedMountOf(path, servedMounts(mounts))

test("a path on a disk of this machine lies on no served mount", async () => {
  await using folder = await temporaryFolder()
  const mounts = mountsWith(["nfs4", "/mnt/nas"], ["fuse.sshfs", `${folder.path}/far`])
  for (const path of [join(folder.path, "x"), join(folder.path, "farther"), "/mnt", "/"])
    expect(mountOf(path, mounts)).toBeUndefined()
})

test("what lies on a served mount names the nearest one, however it is reached", async () => {
  await using folder = await temporaryFolder()
  const far = join(folder.path, "far")
  mkdirSync(join(folder.path, "a"))
  symlinkSync("../far/deep", join(folder.path, "a", "relative"))
  symlinkSync(far, join(folder.path, "absolute"))
  const mounts = mountsWith(["fuse.sshfs", far], ["ext4", `${far}/inner`])
  expect(mountOf(far, mounts)).toBe(far)
  expect(mountOf(`${far}/x/.env`, mounts)).toBe(far)
  expect(mountOf(join(folder.path, "a", "relative", ".env"), mounts)).toBe(far)
  expect(mountOf(join(folder.path, "absolute", ".env"), mounts)).toBe(far)
  expect(mountOf(`${folder.path}/a/../far/.env`, mounts)).toBe(far)
  expect(mountOf(`${far}/inner/.env`, mounts)).toBe(`${far}/inner`)
})

test("the last mount at a point counts, and a ring of links ends", async () => {
  await using folder = await temporaryFolder()
  const far = join(folder.path, "far")
  symlinkSync("b", join(folder.path, "a"))
  symlinkSync("a", join(folder.path, "b"))
  expect(mountOf(`${far}/x`, mountsWith(["nfs", far], ["ext4", far]))).toBeUndefined()
  expect(mountOf(join(folder.path, "a"), mountsWith(["nfs", far]))).toBeUndefined()
})

test("the types that are served by a program or by another machine", () => {
  for (const type of ["fuse", "fuseblk", "fuse.sshfs", "autofs", "nfs", "nfs4", "cifs", "9p"])
    expect([type, isServedType(type)]).toEqual([type, true])
  for (const type of ["ext4", "xfs", "tmpfs", "overlay", "proc", "fusectl"])
    expect([type, isServedType(type)]).toEqual([type, false])
})
