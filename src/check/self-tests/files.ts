import { basename, dirname } from "node:path"
import { type Stats, closeSync, constants, fchmodSync, fstatSync, openSync } from "node:fs"
import { type Folder, openFolder } from "../../base/files/folder.ts"
import { refuseLinked } from "../../base/files/read-regular.ts"
import { type Report, defineCheck } from "./check.ts"
import { statOf, octal } from "./path-stat.ts"

/**
 * Modes, owners and kinds of files. A POSIX ACL needs no look of its own: where a file has one, the
 * group bits of its mode are the ACL's mask (acl(5)), so 0600 lets no other user in, whatever
 * getfacl lists, and anything wider shows in the mode.
 */

export type Expected = {
  readonly path: string
  /** "the state of production". */
  readonly what: string
  readonly kind: "file" | "folder"
  /** The permission bits that it may have at most. */
  readonly mode: number
  /** It must have just these: the program that reads it counts on them. */
  readonly exact?: boolean
  /** The only users who may own it; left out: not judged. */
  readonly owners?: readonly number[]
  /** The only group; left out: not judged. */
  readonly group?: number
  /** The identity: who has read it can open every value, which no chmod takes back. */
  readonly identity?: boolean
}
export type Files = { readonly expected: readonly Expected[]; readonly fix: boolean }

type Code =
  | "file-open"
  | "file-mode"
  | "file-owner"
  | "identity-open"
  | "file-is-link"
  | "file-irregular"

export const files = defineCheck<Code, Files>({
  name: "files",
  faults: {
    "file-open": { severity: "error", remedy: "mycelium check --fix" },
    "file-mode": { severity: "warning", remedy: "mycelium check --fix" },
    "file-owner": {
      severity: "error",
      remedy: "chown it, and run every mycelium command as the user that runs the service",
    },
    "identity-open": {
      severity: "error",
      remedy: "chmod 600 it; if others have read it, make a new one and rotate everything",
    },
    "file-is-link": {
      severity: "error",
      remedy: "put the file itself there: the owner of the link's target could swap it",
    },
    "file-irregular": { severity: "error", remedy: "move it away: mycelium makes what it needs" },
  },
  inspect: async ({ expected, fix }, report) => {
    let seen = 0
    for (const one of expected) {
      try {
        const stats = statOf(one.path)
        if (stats === undefined) continue
        seen++
        if (isRight(one, stats)) continue
        // What another user could have led elsewhere is neither judged nor mended by its path.
        await using folder = await openFolder(dirname(one.path))
        await judge(one, stats, { fix, folder }, report)
      } catch (error) {
        report.failed(error)
      }
    }
    return `${seen} files and folders have the owners and modes that they should have`
  },
})

function isRight({ kind, owners, group, mode, exact }: Expected, stats: Stats): boolean {
  if (stats.isSymbolicLink() || (kind === "folder" ? !stats.isDirectory() : !stats.isFile()))
    return false
  if (owners?.includes(stats.uid) === false || (group !== undefined && group !== stats.gid))
    return false
  const bits = stats.mode & 0o7777
  return exact === true ? bits === mode : (bits & ~mode) === 0
}

type Mending = { readonly fix: boolean; readonly folder: Folder }

async function judge(
  one: Expected,
  stats: Stats,
  mending: Mending,
  report: Report<Code>,
): Promise<void> {
  const { path, what } = one
  if (stats.isSymbolicLink())
    return report.found("file-is-link", `${path} (${what}) is a symbolic link`)
  if (one.kind === "folder" ? !stats.isDirectory() : !stats.isFile())
    return report.found(
      "file-irregular",
      `${path} (${what}) is not a ${one.kind === "file" ? "regular file" : "folder"}`,
    )
  if (one.owners !== undefined && !one.owners.includes(stats.uid)) {
    const [owner = 0] = one.owners
    report.found("file-owner", `${path} (${what}) belongs to user ${stats.uid}, not to ${owner}`, {
      remedy: `chown -h ${owner} ${path}, and run every mycelium command as the user that runs the service`,
    })
  }
  if (one.group !== undefined && stats.gid !== one.group)
    report.found(
      "file-owner",
      `${path} (${what}) belongs to group ${stats.gid}, not to ${one.group}`,
      { remedy: `chgrp -h ${one.group} ${path}` },
    )
  await judgeMode(one, stats, mending, report)
}

async function judgeMode(
  one: Expected,
  stats: Stats,
  { fix, folder }: Mending,
  report: Report<Code>,
): Promise<void> {
  const mode = stats.mode & 0o7777
  const wider = mode & ~one.mode & 0o7777
  if (wider === 0 && (one.exact !== true || mode === one.mode)) return
  // What is too narrow in a folder or a file of Mycelium's harms only Mycelium, which would notice.
  const right = one.exact === true ? one.mode : mode & one.mode
  const message = `${one.path} (${one.what}) has mode ${octal(mode)}, not ${octal(right)}`
  if (one.identity === true)
    return report.found("identity-open", message, {
      remedy: `chmod 600 ${one.path}; if others have read it, make a new one and rotate everything`,
    })
  if (fix && (await mend(one, folder, right)))
    return report.mended(
      `${one.path} (${one.what}): mode ${octal(mode)} is now ` +
        `${octal(right)}${wider & 0o044 ? "; if others may have read it, rotate what it holds" : ""}`,
    )
  if (wider !== 0)
    return report.found("file-open", message, {
      remedy:
        "mycelium check --fix, " +
        `or chmod ${octal(right)} ` +
        `${one.path}${wider & 0o044 && one.exact ? "; if others may have read it, rotate what it shows" : ""}`,
    })
  report.found("file-mode", `${message}: the program that reads it may be locked out`, {
    remedy: `mycelium check --fix, or chmod ${octal(right)} ${one.path}`,
  })
}

/**
 * Through an open file, in a folder that is held, so that no user swaps either in between; false
 * where it could not be done or had no effect.
 */
async function mend(one: Expected, folder: Folder, mode: number): Promise<boolean> {
  try {
    const kind = one.kind === "folder" ? constants.O_DIRECTORY : 0
    const name = basename(one.path)
    const file = openSync(
      folder.at(name),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | kind,
    )
    try {
      if (folder.keeper !== "ours" && one.kind === "file")
        await refuseLinked({ target: one.path, folder, name }, fstatSync(file))
      fchmodSync(file, mode)
      return (fstatSync(file).mode & 0o7777) === mode
    } finally {
      closeSync(file)
    }
  } catch {
    return false
  }
}
