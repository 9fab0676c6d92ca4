import {
  closeSync,
  constants,
  futimesSync,
  lstatSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import type { Database } from "bun:sqlite"
import { dirname } from "node:path"
import { AppError, systemCode } from "../error.ts"
import { networkOf } from "./file-system.ts"
import type { Host } from "../system/host.ts"

/**
 * SQLite's exclusive lock on a file that is never renamed: it holds between containers (other pid
 * and net namespaces) and
 * ends with its process, whatever kills it. flock on the same file would be granted beside it: one
 * mechanism everywhere.
 */

export interface HeldLock {
  release(): void
}

/**
 * How often, and how far apart (ms), one who is refused looks again until the holder has written
 * its name.
 */
const looks = 50
const lookMs = 10

/** Takes the lock, or says who holds it. `holder` is what others are told: never a value. */
export async function takeLock(
  path: string,
  holder: string,
): Promise<HeldLock | { readonly heldBy: string }> {
  const { Database } = await import("bun:sqlite")
  refuseNetwork(dirname(path))
  create(path)
  let before: string | undefined
  for (let statPath = 0; ; statPath++) {
    const lock = tryLock(Database, path, holder)
    if (lock !== undefined) return lock
    // A killed holder leaves its name; the next one replaces it right after it has the lock.
    const heldBy = readHolder(path)
    if (statPath >= looks || (heldBy !== undefined && heldBy === before))
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
    // Two that begin at the same instant are in each other's way for a moment: without patience
    // both would be refused.
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

/**
 * When one who waits is told again that the lock is still held, and how often from then on (ms).
 */
const toldAgainMs = 30_000
const toldEveryMs = 60_000

/** `told`: at once, then again and again, with how long was waited (ms). */
export type Wait = {
  readonly holder: string
  readonly host: Host
  readonly stop: AbortSignal
  readonly told: (heldBy: string, waitedMs: number) => void
}

/**
 * Takes the lock, as `takeLock` does, and asks its holder to let go between two steps; waits for
 * that as long as it takes, or until `stop`.
 */
export async function demandLock(
  path: string,
  { holder, host, stop, told }: Wait,
): Promise<HeldLock | { readonly heldBy: string }> {
  const began = host.monotonicMs()
  for (let tellAt = 0; ; ) {
    const lock = await takeLock(path, holder)
    if (!("heldBy" in lock)) {
      rmSync(wantedPath(path), { force: true })
      return lock
    }
    if (stop.aborted) return lock
    const waitedMs = host.monotonicMs() - began
    if (waitedMs >= tellAt) {
      told(lock.heldBy, tellAt === 0 ? 0 : waitedMs)
      tellAt = tellAt === 0 ? toldAgainMs : waitedMs + toldEveryMs
    }
    want(path, host.now())
    await host.pause(askAgainMs, stop)
  }
}

function want(path: string, now: Date): void {
  const file = openSync(
    wantedPath(path),
    constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW,
    0o600,
  )
  try {
    futimesSync(file, now, now)
  } finally {
    closeSync(file)
  }
}

/**
 * How often (ms) one who waits says so again; within how long (ms) the holder must have heard it
 * twice.
 */
const askAgainMs = 100
const heardTwiceMs = 500

/**
 * Does another process wait for a lock that we hold? Yes, once it was heard to say so twice, one
 * soon after the other. Who has
 * given up, or was killed, says it no more: a holder that was stopped (SIGSTOP) finds one old
 * request when it wakes, no second.
 */
export class Wanted {
  readonly #path: string
  readonly #host: Pick<Host, "monotonicMs">
  #said: number | undefined
  #heardAt: number | undefined

  constructor(lock: string, host: Pick<Host, "monotonicMs">) {
    this.#path = wantedPath(lock)
    this.#host = host
    this.#said = this.#read()
  }
  /** To be asked again and again. */
  poll(): boolean {
    const said = this.#read()
    if (said === undefined || said === this.#said) return false
    const now = this.#host.monotonicMs()
    const before = this.#heardAt
    this.#said = said
    this.#heardAt = now
    return before !== undefined && now - before <= heardTwiceMs
  }
  #read(): number | undefined {
    return statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs
  }
}

function wantedPath(path: string): string {
  return `${path}-wanted`
}

function heldLock(database: Pick<Database, "run" | "close">, path: string): HeldLock {
  return {
    release: () => {
      try {
        unlinkSync(holderPath(path))
      } catch {
        // Whom the next one to wait is told of is not worth an error: the lock itself ends here.
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
