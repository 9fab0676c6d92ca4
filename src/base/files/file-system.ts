import { statfsSync } from "node:fs"
import { systemCode } from "../error.ts"
import { mountOf, ownMounts } from "./mounts.ts"

/** File systems of other machines by their number in statfs(2). */
const network: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB",
  0x5346414f: "AFS",
  0x73757245: "Coda",
  0x564c: "NCP",
  0x00c36400: "Ceph",
  0x0bd00bd0: "Lustre",
  0x01021997: "9p",
  0x01161970: "GFS2",
  0x7461636f: "OCFS2",
  0x19830326: "BeeGFS",
  0x47504653: "GPFS",
}
const fuse = 0x65735546
/** FUSE has one number for all: those that reach another machine, by their name in mountinfo. */
const networkFuse =
  /^fuse\.(sshfs|glusterfs|s3fs|s3ql|goofys|gcsfuse|rclone|blobfuse2?|davfs2?|curlftpfs|ceph-fuse|juicefs|seaweedfs|mfs|mfsmount|lizardfs|gfarm2fs|mount-s3|smbnetfs|cephfs)$/

/**
 * Which file system of another machine this is; undefined for a local one. `type`: as mountinfo
 * names it.
 */
export function networkName(number: number, type: string | undefined): string | undefined {
  const known = network[number >>> 0]
  if (known !== undefined) return known
  const [, name] = number >>> 0 === fuse ? (networkFuse.exec(type ?? "") ?? []) : []
  return name
}

/**
 * The name of the network file system that an existing folder lies on; undefined for a local disk.
 */
export function networkOf(folder: string): string | undefined {
  const { type } = statistics(folder)
  if (type === undefined) return networkType(mountOf(folder, ownMounts())?.type)
  return networkName(type, type >>> 0 === fuse ? mountOf(folder, ownMounts())?.type : undefined)
}

/** A filter of system calls may deny statfs(2): then the name in mountinfo has to do. */
function statistics(folder: string): { readonly type?: number } {
  try {
    return statfsSync(folder)
  } catch (error) {
    if (["EPERM", "ENOSYS"].includes(systemCode(error) ?? "")) return {}
    throw error
  }
}

/** Served by a program or by another machine, which may hang: by its name in mountinfo. */
export function isServedType(type: string): boolean {
  return /^(fuse(blk)?|fuse\..+|autofs|virtiofs)$/.test(type) || networkType(type) !== undefined
}

/** By its name alone. */
function networkType(type: string | undefined): string | undefined {
  if (type === undefined) return undefined
  if (/^(nfs4?|smb3?|smbfs|cifs|afs|coda|ncpfs|ceph|lustre|9p|gfs2|ocfs2|beegfs|gpfs)$/.test(type))
    return type.toUpperCase()
  return networkName(fuse, type)
}
