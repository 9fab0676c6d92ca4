import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import type { Database } from "bun:sqlite"
import { dirname } from "node:path"
import { AppError, systemCode } from "../error.ts"
import { networkOf } from "./file-system.ts"

/**
 * SQLite's exclusive lock on a file that is never renamed: it holds between containers (other pid
 * and net namespaces) and ends with its process, whatever kills it. flock on the same file would be
 * granted beside it: one mechanism everywhere.
 */

export interface HeldLock {
  release(): void
}

/**
 * How often, and how far apart (ms), a refused process looks again until the holder has written its
 * name.
 */
const looksMost = 50
const lookMs = 10

/** Takes the lock, or says who holds it. `holder` is shown to others: never a value. */
export async function takeLock(
  path: string,
  holder: string,
): Promise<HeldLock | { readonly heldBy: string }> {
  const { Database } = await import("bun:sqlite")
  refuseNetwork(dirname(path))
  create(path)
  let before: string | undefined
  for (let look = 0; ; look++) {
    const lock = tryLock(Database, path, holder)
    if (lock !== undefined) return lock
    // A killed holder leaves its name; the next one replaces it right after it has the lock.
    const heldBy = readHolder(path)
    if (look >= looksMost || (heldBy !== undefined && heldBy === before))
      return { heldBy: heldBy ?? "another process" }
    before = heldBy
    await Bun.sleep(lookMs)
  }
}

/** READWRITE, without CREATE (sqlite3_open_v2). */
const openFlags = 0x2

function tryLock(Open: typeof Database, path: string, holder: string): HeldLock | undefined {
  let database: Database | undefined
  try {
    // A link in its place would make SQLite open, or make, another file; what is not there was made
    // right before.
    database = new Open(path, openFlags)
    // Two that begin at the same instant block each other for a moment: without a timeout both
    // would be refused.
    database.run(`PRAGMA busy_timeout = ${lookMs}`)
    // Nothing is ever written into it; without this, a journal file would be made and removed each
    // time.
    database.run("PRAGMA journal_mode = MEMORY")
    database.run("BEGIN EXCLUSIVE")
    writeHolder(path, holder)
  } catch (error) {
    database?.close()
    if (systemCode(error)?.startsWith("SQLITE_BUSY") === true) return undefined
    throw lockError(`cannot lock ${path}`, error)
  }
  return heldLock(database, path)
}

function heldLock(database: Pick<Database, "run" | "close">, path: string): HeldLock {
  return {
    release: () => {
      try {
        unlinkSync(holderPath(path))
      } catch {
        // Only the name that a waiting process is told; the lock itself ends here.
      } finally {
        database.run("ROLLBACK")
        database.close()
      }
    },
  }
}

/** The system's word, or SQLite's for the same. */
function lockError(message: string, error: unknown): AppError {
  const code = systemCode(error) ?? "unknown error"
  const full = /ENOSPC|EDQUOT|SQLITE_FULL/.test(code)
  return new AppError("lock-failed", `${message}: ${full ? "the disk is full" : code}`, {
    remedy: "retry",
    hint: full
      ? "free some space on that disk; nothing was lost"
      : "the store must be writable by this user",
  })
}

function refuseNetwork(folder: string): void {
  const name = networkOf(folder)
  if (name !== undefined)
    throw new AppError(
      "network-file-system",
      `${folder} is on a network file system (${name}), where locks cannot be trusted`,
      { hint: "name a store on a local disk" },
    )
}

/** O_EXCL: opening and closing a file that we hold would drop the lock (POSIX record locks). */
function create(path: string): void {
  try {
    const there = lstatSync(path, { throwIfNoEntry: false })
    if (there?.isFile() === false)
      throw Object.assign(new Error("EINVAL"), {
        code: there.isSymbolicLink() ? "ELOOP" : "EINVAL",
      })
    if (there !== undefined) return
    closeSync(
      openSync(
        path,
        constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
        0o600,
      ),
    )
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw lockError(`cannot make ${path}`, error)
  }
}

function holderPath(path: string): string {
  return `${path}-holder`
}

function writeHolder(path: string, holder: string): void {
  try {
    writeNew(holderPath(path), `${holder}\n`)
  } catch (error) {
    // A disk that is full takes the name and not the text.
    rmSync(holderPath(path), { force: true })
    throw error
  }
}

/** In the place of one that a killed holder left. */
function writeNew(path: string, text: string): void {
  const options = { mode: 0o600, flag: "wx" } as const
  try {
    writeFileSync(path, text, options)
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error
    rmSync(path, { force: true })
    writeFileSync(path, text, options)
  }
}

function readHolder(path: string): string | undefined {
  try {
    return readFileSync(holderPath(path), "utf8").trim().slice(0, 200) || undefined
  } catch {
    return undefined
  }
}
