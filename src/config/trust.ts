import { unreadHint } from "../base/files/file-errors.ts"
import { nameOf } from "../base/system/users.ts"
import { present } from "../base/present.ts"
import type { Stats } from "node:fs"
import { readlink } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { AppError, systemCode } from "../base/error.ts"
import { type Disk, diskOf } from "../base/files/disk.ts"
import type { Finding } from "../core/ports.ts"
import { type Config, partsOf } from "./model.ts"

/**
 * A config names programs that mycelium runs: a user who can change it, or a folder on the path to
 * it, has all rights of mycelium.
 */

export type Me = { readonly uid: number; readonly gid: number }

/**
 * Refuses (`config-writable-by-others`) a config that another user can change; for every command
 * that runs hooks. Returns the warnings, for `check`.
 */
export async function checkTrust(config: string, me: Me = whoWeAre()): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const { path, stats } of await wayTo(resolve(config))) {
    const fault = refusal(path, stats, me)
    if (fault !== undefined) throw fault
    findings.push(...warnings(path, stats, me))
  }
  return findings
}

/** Of the config and each file that it takes text from. */
export async function trustOf(config: Config, me?: Me): Promise<readonly Finding[]> {
  return (await Promise.all(partsOf(config).map((file) => checkTrust(file, me)))).flat()
}

function whoWeAre(): Me {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
}

type Entry = { readonly path: string; readonly stats: Stats }

/** As many links as Linux follows. */
const mostLinks = 40

/**
 * Each folder, link and file that is passed from the root to the config, links followed by hand.
 */
async function wayTo(config: string): Promise<readonly Entry[]> {
  const disk = await diskOf(dirname(config))
  const way: Entry[] = [{ path: "/", stats: await stat("/", disk) }]
  const ahead = config.split("/").filter((step) => step !== "")
  let links = 0
  let at = "/"
  for (let step = ahead.shift(); step !== undefined; step = ahead.shift()) {
    const path = step === ".." ? dirname(at) : join(at, step)
    const stats = await stat(path, disk)
    way.push({ path, stats })
    if (!stats.isSymbolicLink()) {
      at = path
      continue
    }
    if (++links > mostLinks)
      throw new AppError("file-unreadable", `cannot read ${config}: too many symbolic links`)
    const target = await attempt(path, () => readlink(path))
    ahead.unshift(...target.split("/").filter((part) => part !== "" && part !== "."))
    if (target.startsWith("/")) at = "/"
  }
  return way
}

function stat(path: string, disk: Disk): Promise<Stats> {
  return attempt(path, async () => {
    const stats = await disk.statPath(path)
    if (stats === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" })
    return stats
  })
}

async function attempt<Answer>(path: string, act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act()
  } catch (error) {
    const code = systemCode(error)
    throw new AppError(
      "file-unreadable",
      `cannot look at ${path}: ${code ?? "unknown error"}`,
      present({ hint: unreadHint(code) }),
    )
  }
}

function refusal(path: string, stats: Stats, me: Me): AppError | undefined {
  const what = "a config names programs that Mycelium runs, so no other user may change it"
  if (stats.uid !== 0 && stats.uid !== me.uid) {
    return new AppError(
      "config-writable-by-others",
      `${path} belongs to another user (${stats.uid})`,
      {
        hint:
          `${what}: if that user runs Mycelium, run it as them: sudo -H -u ${nameOf(stats.uid)} ` +
          "mycelium …; else chown it to root or to the user that does, or move the config",
      },
    )
  }
  // With the sticky bit, as on /tmp, others cannot replace what is not theirs. The owner of the next
  // step is checked next.
  const guarded = stats.isDirectory() && (stats.mode & 0o1000) !== 0
  if (stats.isSymbolicLink() || (stats.mode & 0o002) === 0 || guarded) return undefined
  return new AppError("config-writable-by-others", `${path} can be written by every user`, {
    hint: `${what}: chmod o-w ${path}`,
  })
}

function warnings(path: string, stats: Stats, me: Me): readonly Finding[] {
  const ours = stats.gid === 0 || stats.gid === me.gid
  const guarded = stats.isDirectory() && (stats.mode & 0o1000) !== 0
  if (stats.isSymbolicLink() || (stats.mode & 0o020) === 0 || ours || guarded) return []
  const message =
    `${path} can be written by a group (${stats.gid}): each member can make Mycelium run ` +
    "programs"
  return [
    { code: "config-group-writable", severity: "warning", message, remedy: `chmod g-w ${path}` },
  ]
}
