import { type Stats, constants } from "node:fs"
import { readlink } from "node:fs/promises"
import { dirname } from "node:path"
import type { Disk } from "./disk.ts"
import { AppError } from "../error.ts"
import { Folder } from "./opened-folder.ts"
import { isOpen, isOurs, isSticky } from "./writers.ts"

/**
 * Walks to a folder, step by step. As long as only root and this user can change where the path
 * leads, the path is as good as the folder itself. Below a folder that another user can change,
 * each folder is opened from the one above it (openat(2), by /proc/self/fd: a hardened unit forbids
 * bun:ffi) and held; no link is followed there, and every later call works in the folder that was
 * opened, wherever its path leads meanwhile.
 */

/** As many links as Linux follows. */
const mostLinks = 40
/** Not among node's constants; the same on every machine that we are built for. */
const pathOnly = 0x200000
const holdFlags = pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW

export async function walk(
  named: string,
  { disk, follow }: { readonly disk: Disk; readonly follow: boolean },
): Promise<{ readonly folder: Folder; readonly name: string }> {
  const way = new FolderWalk(named, disk)
  try {
    await way.begin()
    const ahead = stepsOf(named)
    for (let step = ahead.shift(); step !== undefined; step = ahead.shift()) {
      const target = await way.linkAt(step, follow && ahead.length === 0)
      if (target !== undefined) ahead.unshift(...stepsOf(target))
      else if (follow && ahead.length === 0) return { folder: await way.end(), name: step }
      else if (step === "..") await way.up()
      else await way.down(step)
    }
    return { folder: await way.end(), name: "." }
  } catch (error) {
    await way.letGo()
    throw error
  }
}

function stepsOf(path: string): string[] {
  return path.split("/").filter((step) => step !== "" && step !== ".")
}

/** The present position, and which other users could have redirected the path up to here. */
class FolderWalk {
  readonly #named: string
  readonly #disk: Disk
  #place = "/"
  /** For people. */
  #shown = "/"
  #held: number | undefined
  #stats: Stats | undefined
  #third: { readonly uid: number; readonly path: string } | undefined
  #shared = false
  #weak: string | undefined
  #links = 0

  constructor(named: string, disk: Disk) {
    this.#named = named
    this.#disk = disk
  }

  async begin(): Promise<void> {
    this.#enter(await this.#statPath("/"), "/")
  }

  /**
   * Where a link at `step` leads; undefined for anything else. `last`: it may be missing, or no
   * folder: the caller decides.
   */
  async linkAt(step: string, last: boolean): Promise<string | undefined> {
    if (step === "..") return undefined
    const stats = await this.#disk.statPath(this.#child(step))
    if (stats === undefined && !last) throw systemError("ENOENT")
    if (stats?.isSymbolicLink() !== true) {
      if (stats?.isDirectory() === false && !last) throw systemError("ENOTDIR")
      return undefined
    }
    if (!this.#keeps(stats) || this.#held !== undefined)
      throw linkError(this.#show(step), this.#third?.uid)
    if (++this.#links > mostLinks) throw systemError("ELOOP")
    const target = await readlink(this.#child(step))
    if (target.startsWith("/")) await this.#from("/")
    return target
  }

  async down(step: string): Promise<void> {
    const child = this.#child(step)
    const before = await this.#statPath(child)
    const planted = !this.#keeps(before)
    if (!planted && this.#held === undefined) {
      this.#place = child
      return this.#enter(before, this.#show(step))
    }
    const held = await this.#disk.open(child, holdFlags)
    await this.letGo()
    this.#held = held
    this.#place = `/proc/self/fd/${held}`
    const stats = await this.#disk.stat(held)
    if (isOpen(this.#now) && !isOurs(stats.uid)) this.#share(this.#shown)
    this.#enter(stats, this.#show(step))
    await refuseWithoutProc(this.#disk, this.#place, stats)
  }

  /** Only after a link, so never below what is held. */
  async up(): Promise<void> {
    await this.#from(dirname(this.#place))
  }

  async end(): Promise<Folder> {
    const stats = this.#now
    // Anyone who can make files in it can plant one, even if the sticky bit protects those of
    // others.
    if (isOpen(stats)) this.#share(this.#shown)
    const keeper = this.#shared ? "shared" : (this.#third?.uid ?? "ours")
    const folder = new Folder(this.#named, this.#disk, {
      keeper,
      stats,
      weak: this.#weak,
      place: this.#place,
      held: this.#held,
    })
    this.#held = undefined
    return folder
  }

  async letGo(): Promise<void> {
    if (this.#held !== undefined) await this.#disk.close(this.#held)
    this.#held = undefined
  }

  get #now(): Stats {
    if (this.#stats === undefined) throw systemError("ENOENT")
    return this.#stats
  }

  async #from(place: string): Promise<void> {
    this.#place = place
    this.#shown = place
    this.#stats = await this.#statPath(place)
  }

  #enter(stats: Stats, shown: string): void {
    this.#shown = shown
    this.#stats = stats
    if (isOpen(stats) && !isSticky(stats)) this.#share(shown)
    if (isOurs(stats.uid)) return
    this.#weak ??= shown
    if (this.#third !== undefined && this.#third.uid !== stats.uid)
      throw othersError(this.#named, this.#third, { uid: stats.uid, path: shown })
    this.#third ??= { uid: stats.uid, path: shown }
  }

  #share(shown: string): void {
    this.#shared = true
    this.#weak ??= shown
  }

  /** True if only root and this user can have put `child` here, and can replace it. */
  #keeps(child: Stats): boolean {
    const folder = this.#now
    if (!isOurs(folder.uid)) return false
    return !isOpen(folder) || (isSticky(folder) && isOurs(child.uid))
  }

  #child(step: string): string {
    return this.#place === "/" ? `/${step}` : `${this.#place}/${step}`
  }
  #show(step: string): string {
    return this.#shown === "/" ? `/${step}` : `${this.#shown}/${step}`
  }

  async #statPath(path: string): Promise<Stats> {
    const stats = await this.#disk.statPath(path)
    if (stats === undefined) throw systemError("ENOENT")
    return stats
  }
}

let procIsThere = false

/** What is held is reached by /proc alone. */
async function refuseWithoutProc(disk: Disk, place: string, { dev, ino }: Stats): Promise<void> {
  if (procIsThere) return
  const through = await disk.statPath(`${place}/.`)
  if (through?.ino !== ino || through.dev !== dev) {
    throw new AppError(
      "proc-missing",
      "/proc is not mounted, so no file can be reached safely below a folder that another user can change",
      { hint: "mount /proc, or let only root or this user write in the folders above the file" },
    )
  }
  procIsThere = true
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

function linkError(path: string, uid: number | undefined): AppError {
  return new AppError(
    "file-is-link",
    `${path} is a symbolic link, ` +
      `and ${uid === undefined ? "others than root and this user" : `user ${uid}`} could have ` +
      "put it there or replace it",
    {
      hint: "if you made it, name in the config what it points to; if not, remove it, and see who made it",
    },
  )
}

type Third = { readonly uid: number; readonly path: string }

function othersError(path: string, one: Third, other: Third): AppError {
  return new AppError(
    "folder-of-others",
    `the way to ${path} leads through folders of two other users: ${one.path} belongs to user ` +
      `${one.uid}, ${other.path} to user ${other.uid}`,
    {
      hint:
        `each could replace what is the other's: let root own ${one.path} (chown root ` +
        `${one.path}), or put the file elsewhere`,
    },
  )
}
