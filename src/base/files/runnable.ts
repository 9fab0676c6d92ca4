import { type Stats, accessSync, constants, statSync } from "node:fs"
import { dirname } from "node:path"
import { AppError, systemCode } from "../error.ts"
import { type Keeper, openFolderOf } from "./folder.ts"
import { isOpen, isOurs } from "./writers.ts"

/** What stands in the way of running a program. */
export type Obstacle = {
  readonly code: "hook-missing" | "hook-writable"
  readonly message: string
  readonly remedy: string
}

/**
 * Why the program at `path` cannot, or must not, be run by this user; undefined where nothing is
 * known to stand in the way.
 */
export async function obstacleTo(path: string): Promise<Obstacle | undefined> {
  const missing = unrunnable(path)
  if (missing !== undefined) return { code: "hook-missing", ...missing }
  const changeable = await changeableBy(path)
  return changeable === undefined ? undefined : { code: "hook-writable", ...changeable }
}

/**
 * The same for a file that tells one of our programs what to run; one that is not there tells
 * nothing.
 */
export async function obstacleIn(file: string): Promise<Obstacle | undefined> {
  const changeable = await changeableBy(file)
  return changeable === undefined ? undefined : { code: "hook-writable", ...changeable }
}

type Fault = { readonly message: string; readonly remedy: string }

function unrunnable(path: string): Fault | undefined {
  try {
    if (statSync(path).isDirectory())
      return { message: "is a folder, not a program", remedy: "correct the path in the config" }
  } catch {
    return {
      message: "does not exist",
      remedy: "put it there and chmod +x it, or correct the path in the config",
    }
  }
  try {
    accessSync(path, constants.X_OK)
    return undefined
  } catch {
    return { message: "may not be executed by this user", remedy: `chmod +x ${path}` }
  }
}

type Missing = {
  /** Another user could put it there. */
  readonly evenMissing?: boolean
  /** It is about to be made by us, and looked at again: what we make in a sticky folder stays ours. */
  readonly toMake?: boolean
}

/**
 * Anyone who can change a program that we run, or what tells it what to do, has our rights; of what
 * is not there nothing is said, unless `evenMissing`.
 */
export async function changeableBy(
  path: string,
  missing: Missing = {},
): Promise<Fault | undefined> {
  const { evenMissing = false, toMake = false } = missing
  try {
    const { folder, name } = await openFolderOf(path)
    await using held = folder
    const { weak = held.path } = held
    const stats = await held.disk.statPath(held.at(name))
    if (stats === undefined && !evenMissing) return undefined
    const isToMake = stats === undefined && toMake
    const replaceable =
      isToMake && held.keeper === "shared" && isSticky(weak)
        ? undefined
        : replaceableBy(held.keeper, weak)
    return replaceable ?? (stats && writableBy(stats, path))
  } catch (error) {
    if (error instanceof AppError)
      return {
        message: `can be changed by others: ${error.message}`,
        remedy: error.hint ?? "put it where only root can write",
      }
    const isMissing = ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "") && path !== "/"
    return evenMissing && isMissing ? changeableBy(dirname(path), missing) : undefined
  }
}

/** `weak`: the folder, here or above, that lets another one be put in its place. */
function replaceableBy(keeper: Keeper, weak: string): Fault | undefined {
  if (typeof keeper === "number")
    return {
      message: `can be changed by user ${keeper}, who owns ${weak}`,
      remedy: `chown root ${weak}`,
    }
  if (keeper !== "shared") return undefined
  return {
    message: `can be changed by others, who can write in ${weak}`,
    remedy: `chmod go-w ${weak}`,
  }
}

/** The file itself. */
function writableBy(stats: Stats, path: string): Fault | undefined {
  if (!isOurs(stats.uid))
    return {
      message: `can be changed by user ${stats.uid}, who owns it`,
      remedy: `chown root ${path}`,
    }
  return isOpen(stats)
    ? { message: "can be changed by others, who can write into it", remedy: `chmod go-w ${path}` }
    : undefined
}

function isSticky(folder: string): boolean {
  return ((statSync(folder, { throwIfNoEntry: false })?.mode ?? 0) & 0o1000) !== 0
}
