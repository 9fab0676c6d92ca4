import { type Stats, constants } from "node:fs"
import { type FileHandle, open, rename, stat, unlink } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { far } from "./disk.ts"
import { type DraftFile, type FileOptions, draftPath, readRegular, removeDraft, setOwnership, syncFolder, writeDraft, writeError } from "./durable-write.ts"
import { AppError, systemCode } from "./error.ts"

/**
 * Writing into the file that is there, for what cannot be renamed onto: a mount of a single file. Weaker than a draft that
 * is renamed: a reader may see half of it. A crash in between heals: before the first byte, both contents lie synced in a
 * private file beside the target, under a name that is known.
 */

/** While the target is being written, this file lies beside it. */
export function redoPath(target: string): string {
  return join(dirname(target), `.${basename(target)}.mycelium-writing`)
}

type Redo = { readonly before: string; readonly after: string }

/** Writes and syncs both contents beside the target; `commit` then writes into the target itself. */
export async function draftInPlace(target: string, before: Uint8Array, after: Uint8Array, options: FileOptions = {}): Promise<DraftFile> {
  await (await openTarget(target)).close()
  const redo: Redo = { before: Buffer.from(before).toString("base64"), after: Buffer.from(after).toString("base64") }
  const draft = draftPath(target)
  try {
    await writeDraft(target, JSON.stringify(redo))
  } catch (error) {
    throw writeError(draft, error)
  }
  return {
    commit: async () => {
      try {
        await rename(draft, redoPath(target))
        await syncFolder(dirname(target))
      } catch (error) {
        throw writeError(target, error)
      }
      try {
        await overwrite(target, after, options)
      } catch (error) {
        // What the full disk did not take is given back; if even that fails, the copy beside it heals it later.
        await overwrite(target, before, {}).then(() => forget(target), () => undefined)
        throw error
      }
      await forget(target)
    },
    discard: () => removeDraft(target),
  }
}

/** What others see through a mount of the file goes, too, when the file does. */
export async function emptyInPlace(target: string): Promise<void> {
  await overwrite(target, new Uint8Array(), {})
}

/** Finishes a write that a crash cut off. What is neither old nor new, nor a mixture of both, is somebody's edit: it stays. */
export async function healInPlace(target: string): Promise<void> {
  const found = await readRegular(redoPath(target))
  if (found === undefined) return
  const redo = (await isOurs(target, found.stats)) ? parse(found.bytes) : undefined
  const now = await readRegular(target)
  if (redo !== undefined && now !== undefined && isMixture(now.bytes, redo.before, redo.after)) await overwrite(target, redo.after, { mode: now.stats.mode & 0o7777 })
  await forget(target)
}

/** In a folder where others may make files, one of theirs heals nothing. */
async function isOurs(target: string, { uid, mode }: Stats): Promise<boolean> {
  const folder = await stat(dirname(target))
  return [process.geteuid?.(), 0, folder.uid].includes(uid) && (mode & 0o077) === 0
}

/** Made by a rename, so it is whole, or not ours. */
function parse(bytes: Uint8Array): { readonly before: Uint8Array; readonly after: Uint8Array } | undefined {
  try {
    const { before, after } = JSON.parse(Buffer.from(bytes).toString()) as Redo
    return { before: Buffer.from(before, "base64"), after: Buffer.from(after, "base64") }
  } catch {
    return undefined
  }
}

/** Each byte is the old one, the new one, or one that was never written: blocks reach a disk in any order. */
export function isMixture(now: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
  const [shortest, longest] = [Math.min(before.length, after.length), Math.max(before.length, after.length)]
  if (now.length < shortest || now.length > longest) return false
  return now.every((byte, at) => byte === before[at] || byte === after[at] || (byte === 0 && at >= before.length))
}

/** Mode and owner first, so that nobody reads the new bytes by the old rights; then the bytes, then the length. */
async function overwrite(target: string, bytes: Uint8Array, options: FileOptions): Promise<void> {
  const file = await openTarget(target)
  try {
    if (options.mode !== undefined || options.uid !== undefined) await setOwnership(far, file.fd, options)
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten
    await file.truncate(bytes.length)
    await file.sync()
  } catch (error) {
    throw writeError(target, error)
  } finally {
    await file.close()
  }
}

async function openTarget(target: string): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(target, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (systemCode(error) === "ELOOP") throw new AppError("file-is-link", `${target} is a symbolic link`, { hint: "name the file that it points to" })
    throw writeError(target, error)
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new AppError("file-irregular", `${target} is not a regular file`)
}

async function forget(target: string): Promise<void> {
  try {
    await unlink(redoPath(target))
    await syncFolder(dirname(target))
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw writeError(target, error)
  }
}
