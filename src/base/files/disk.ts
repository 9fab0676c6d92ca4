import fs, { type Stats, type StatsFs, constants } from "node:fs"
import { isServedType, networkName } from "./file-system.ts"
import { ownMounts } from "./mounts.ts"

/** Calls on a file that cost less than handing them to another thread, if the disk is local. */
export interface Disk {
  open(path: string, flags: number): number | Promise<number>
  close(file: number): void | Promise<void>
  stat(file: number): Stats | Promise<Stats>
  /** Of the path itself, even if it is a link; undefined if nothing is there. */
  statPath(path: string): Stats | undefined | Promise<Stats | undefined>
  /**
   * The whole content. `size`: what `stat` said a moment ago. `into`: where it may be put, if it is
   * used before anything else is read there.
   */
  read(file: number, size?: number, into?: Buffer): Buffer | Promise<Buffer>
  /** All of it, or a throw. */
  write(file: number, bytes: Uint8Array): void | Promise<void>
  truncate(file: number, length: number): void | Promise<void>
  chmod(file: number, mode: number): void | Promise<void>
  chown(file: number, uid: number, gid: number): void | Promise<void>
  unlink(path: string): void | Promise<void>
  /** Throws where this process may not. */
  mayRead(path: string): void | Promise<void>
  /** The same of a folder: whether anything may be made in it. */
  mayWriteIn(folder: string): void | Promise<void>
  /** Of the file system that a path lies on. */
  room(path: string): StatsFs | Promise<StatsFs>
}

/** Calls that wait for the disk itself always run on another thread. */
export const slow = {
  sync: (file: number): Promise<void> => later((done) => fs.fsync(file, done)),
  dataSync: (file: number): Promise<void> => later((done) => fs.fdatasync(file, done)),
  rename: (from: string, to: string): Promise<void> => later((done) => fs.rename(from, to, done)),
}

type Done<Result> = (error: Error | null, result?: Result) => void

/** As a promise; node:util has the same, and takes a millisecond to load. */
function later<Result = void>(act: (done: Done<Result>) => void): Promise<Result> {
  return new Promise((resolve, reject) =>
    act((error, result) =>
      error === null || error === undefined ? resolve(result as Result) : reject(error),
    ),
  )
}

/** New files are private from their first instant. */
const mode = 0o600

/**
 * Reads a file that does not change in one call, by asking for one byte more than its size. A file
 * that claims to be empty (/proc), or has changed since `stat`, is read on to its end.
 */
function readSized(file: number, size = 0, into?: Buffer): Buffer {
  if (size === 0) return fs.readFileSync(file)
  const bytes = into !== undefined && size < into.length ? into : Buffer.allocUnsafeSlow(size + 1)
  const length = fs.readSync(file, bytes, 0, size + 1, null)
  const found = bytes.subarray(0, length)
  // Any other length may be a part of it: read on until nothing more comes.
  return length === size ? found : Buffer.concat([found, fs.readFileSync(file)])
}

/** A local disk: called at once. */
export const near = {
  open: (path, flags) => fs.openSync(path, flags, mode),
  close: (file) => fs.closeSync(file),
  stat: (file) => fs.fstatSync(file),
  statPath: (path) => fs.lstatSync(path, { throwIfNoEntry: false }),
  read: readSized,
  write: (file, bytes) => fs.writeFileSync(file, bytes),
  truncate: (file, length) => fs.ftruncateSync(file, length),
  chmod: (file, bits) => fs.fchmodSync(file, bits),
  chown: (file, uid, gid) => fs.fchownSync(file, uid, gid),
  unlink: (path) => fs.unlinkSync(path),
  mayRead: (path) => fs.accessSync(path, constants.R_OK),
  mayWriteIn: (folder) => fs.accessSync(folder, constants.W_OK | constants.X_OK),
  room: (path) => fs.statfsSync(path),
} satisfies Disk

/**
 * Another machine's disk, which may hang for ever: never called on the thread that serves all
 * environments.
 */
export const far: Disk = {
  open: (path, flags) => later<number>((done) => fs.open(path, flags, mode, done)),
  close: (file) => later((done) => fs.close(file, done)),
  stat: (file) => later<Stats>((done) => fs.fstat(file, done)),
  statPath: (path) => later<Stats>((done) => fs.lstat(path, done)).catch(nothing),
  read: (file) => later<Buffer>((done) => fs.readFile(file, done)),
  write: (file, bytes) => later((done) => fs.writeFile(file, bytes, done)),
  truncate: (file, length) => later((done) => fs.ftruncate(file, length, done)),
  chmod: (file, bits) => later((done) => fs.fchmod(file, bits, done)),
  chown: (file, uid, gid) => later((done) => fs.fchown(file, uid, gid, done)),
  unlink: (path) => later((done) => fs.unlink(path, done)),
  mayRead: (path) => later((done) => fs.access(path, constants.R_OK, done)),
  mayWriteIn: (folder) => later((done) => fs.access(folder, constants.W_OK | constants.X_OK, done)),
  room: (path) => later<StatsFs>((done) => fs.statfs(path, done)),
}

function nothing(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error
}

/** FUSE and autofs: the program that serves them may hang. */
const served = new Set([0x65735546, 0x0187])

const known = new Map<string, Disk>()

/** The disk of a folder. Asked once: a later mount at that place is not noticed. */
export function diskOf(folder: string): Disk | Promise<Disk> {
  return known.get(folder) ?? nearBy(folder) ?? ask(folder)
}

/**
 * True if all that is mounted now is served by this machine's kernel alone, so that no look at a
 * path can hang. Told by one small file of the kernel: to ask each folder on another thread takes
 * longer than most of what is done there.
 */
export function isAllNear(): boolean {
  const mounts = ownMounts()
  return mounts.length > 0 && !mounts.some(({ type }) => isServedType(type))
}

/** A folder that is not there yet may be a mount later: it is asked about again. */
function nearBy(folder: string): Disk | undefined {
  if (!isAllNear()) return undefined
  if (fs.existsSync(folder)) known.set(folder, near)
  return near
}

async function ask(folder: string): Promise<Disk> {
  const type = await Promise.resolve(far.room(folder)).then(
    (found) => found.type,
    () => undefined,
  )
  // If there is no folder, the call that follows says so.
  if (type === undefined) return far
  const disk = networkName(type, undefined) !== undefined || served.has(type >>> 0) ? far : near
  known.set(folder, disk)
  return disk
}

/** No link is followed, and opening a pipe does not block. */
export const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
export const draftFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
/** For a file that exists. */
export const writeFlags = constants.O_WRONLY | constants.O_NOFOLLOW
export const appendFlags =
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK
export const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** For a folder, its links followed as a rename into it follows them. */
export const wayFlags = constants.O_RDONLY | constants.O_DIRECTORY
