import { describe, expect, test } from "bun:test"
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { networkName, networkOf } from "../../../src/base/files/file-system.ts"
import {
  isMountPoint,
  mountOf,
  mountedAlone,
  ownMounts,
  parseMounts,
} from "../../../src/base/files/mounts.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

const text = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 254:0 /srv/a\\040b/.env /app/.env ro - ext4 /dev/vda rw
41 27 254:0 /srv/.env//deleted /app/old rw - ext4 /dev/vda rw
50 27 0:99 / /mnt/nas rw - nfs4 nas:/x rw
51 50 0:98 / /mnt rw - tmpfs tmpfs rw

`
const mounts = parseMounts(text)

describe("mountinfo", () => {
  test("is read with its escapes", () => {
    expect(mounts[2]).toEqual({
      device: "254:0",
      root: "/srv/a b/.env",
      point: "/app/.env",
      type: "ext4",
    })
    expect(mounts).toHaveLength(6)
    expect(ownMounts().some(({ point }) => point === "/")).toBe(true)
  })

  test("tells what a path lies on", () => {
    expect(mountOf("/app/.env", mounts)?.root).toBe("/srv/a b/.env")
    expect(mountOf("/app/.envy", mounts)?.point).toBe("/")
    expect(mountOf("/mnt/nas/x", mounts)?.type).toBe("nfs4")
    expect([isMountPoint("/app/.env", mounts), isMountPoint("/app", mounts)]).toEqual([true, false])
  })
})

const why = whyNot()

function whyNot(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root"
  if (Bun.which("unshare") === null) return "needs unshare"
  const namespaces = Bun.spawnSync(["unshare", "-m", "true"]).exitCode === 0
  return namespaces ? undefined : "no mount namespaces here"
}

test.skipIf(why !== undefined)(
  `mountedAlone() finds who has a file mounted by itself, and whether it was replaced since${why === undefined ? "" : ` (skipped: ${why})`}`,
  async () => {
    await using folder = await temporaryFolder()
    const [target, other] = [join(folder.path, ".env"), join(folder.path, "other.env")]
    for (const path of [target, other]) writeFileSync(path, "A=1\n")
    const inside = join(folder.path, "inside")
    mkdirSync(inside)
    writeFileSync(join(inside, "app.env"), "")
    expect(mountedAlone([target, other])).toEqual([])
    const child = Bun.spawn(
      [
        "unshare",
        "-m",
        "sh",
        "-c",
        'mount --bind "$1" "$2" && echo mounted && exec cat',
        "sh",
        target,
        join(inside, "app.env"),
      ],
      { stdin: "pipe", stdout: "pipe" },
    )
    try {
      await child.stdout.getReader().read()
      expect(mountedAlone([target, other])).toEqual([
        { path: target, pid: child.pid, stale: false },
      ])
      writeFileSync(join(folder.path, "draft"), "A=2\n")
      renameSync(join(folder.path, "draft"), target)
      expect(mountedAlone([target, other])).toEqual([{ path: target, pid: child.pid, stale: true }])
    } finally {
      child.kill("SIGKILL")
      await child.exited
    }
    expect(mountedAlone([target])).toEqual([])
  },
)

test("file systems of other machines have a name, local ones none", async () => {
  await using folder = await temporaryFolder()
  expect(networkOf(folder.path)).toBeUndefined()
  expect(networkOf("/proc")).toBeUndefined()
  expect([
    networkName(0x6969, undefined),
    networkName(-11_317_950, undefined),
    networkName(0xfe534d42, undefined),
    networkName(0x01021997, undefined),
  ]).toEqual(["NFS", "CIFS", "SMB", "9p"])
  expect([
    networkName(0x65735546, "fuse.sshfs"),
    networkName(0x65735546, "fuse.rclone"),
    networkName(0x65735546, "fuse.gocryptfs"),
    networkName(0x65735546, "virtiofs"),
    networkName(0x65735546, undefined),
  ]).toEqual(["sshfs", "rclone", undefined, undefined, undefined])
  expect([
    networkName(0xef53, "ext4"),
    networkName(0x01021994, "tmpfs"),
    networkName(0x9123683e, "btrfs"),
  ]).toEqual([undefined, undefined, undefined])
})
