import { constants } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { dirname, join } from "node:path"
import { present } from "../present.ts"
import { far, slow } from "./disk.ts"
import { type FileOptions, draftName, writeDraft } from "./draft-file.ts"
import { syncOf } from "./durable-folder.ts"
import { type DraftFile, refuseMoved, removeDraft } from "./durable-write.ts"
import { AppError, systemCode } from "../error.ts"
import { linkError, writeError } from "./file-errors.ts"
import { setOwnership } from "./ownership.ts"
import { type Regular, type Spot, absent, readIn, refuseLinked, spotOf } from "./read-regular.ts"
import { isMixture, readRedo, redoName, redoPath, writeRedo } from "./redo.ts"
import { isOurs } from "./writers.ts"

/**
 * Writing into the file that is there, for what cannot be renamed onto: a mount of a single file.
 * Weaker than a draft that is renamed: a reader may see half of it. A crash in between heals:
 * before the first byte, both contents lie synced in a private file beside the target, under a name
 * that is known.
 */

/**
 * Writes and syncs both contents beside the target; `commit` then writes into the target itself.
 */
export async function draftInPlace(
  target: string,
  before: Uint8Array,
  after: Uint8Array,
  options: FileOptions = {},
): Promise<DraftFile> {
  await inFolder(target, async (spot) => {
    await (await openTarget(spot, options)).close()
    try {
      await writeDraft(spot, writeRedo({ before, after, uid: options.uid }))
    } catch (error) {
      throw writeError(join(dirname(target), draftName(spot.name)), error)
    }
  })
  return {
    commit: () => inFolder(target, (spot) => commit(spot, before, after, options)),
    discard: () => removeDraft(target),
  }
}

async function commit(
  spot: Spot,
  before: Uint8Array,
  after: Uint8Array,
  options: FileOptions,
): Promise<void> {
  const { target, folder, name } = spot
  try {
    await slow.rename(folder.at(draftName(name)), folder.at(redoName(name)))
    await syncOf(folder)
  } catch (error) {
    throw writeError(target, error)
  }
  try {
    await overwrite(spot, after, options)
  } catch (error) {
    // What the full disk did not take is given back; if even that fails, the copy beside it heals
    // it later.
    await overwrite(spot, before, { uid: options.uid }).then(
      () => forget(spot),
      () => undefined,
    )
    throw error
  }
  await forget(spot)
  await refuseMoved(spot)
}

/** For a file that is mounted: other mounts of it must not show the values any longer. */
export async function emptyInPlace(target: string): Promise<void> {
  await inFolder(target, async (spot) =>
    overwrite(spot, new Uint8Array(), { uid: await ownerOf(spot) }),
  )
}

/** Its present owner may stay: no value is written that they could read. */
async function ownerOf({ folder, name }: Spot): Promise<number | undefined> {
  return (await folder.disk.statPath(folder.at(name)))?.uid
}

/**
 * Finishes a write that a crash cut off. A content that is neither old nor new, nor a mixture of
 * both, is an edit: it stays.
 */
export async function healInPlace(target: string): Promise<void> {
  let spot: Spot
  try {
    spot = await spotOf(target)
  } catch (error) {
    return absent(target, error)
  }
  await using folder = spot.folder
  await heal({ ...spot, folder })
}

async function heal(spot: Spot): Promise<void> {
  const found = await readIfThere({
    ...spot,
    target: redoPath(spot.target),
    name: redoName(spot.name),
  })
  if (found === undefined) return
  const redo = isTrusted(spot, found) ? readRedo(found.bytes) : undefined
  const now = await readIfThere(spot)
  if (redo !== undefined && now !== undefined && isMixture(now.bytes, redo.before, redo.after))
    await overwrite(spot, redo.after, { uid: redo.uid, mode: now.stats.mode & 0o7777 })
  await forget(spot)
}

async function readIfThere(spot: Spot): Promise<Regular | undefined> {
  try {
    return await readIn(spot, 64 * 1024 * 1024)
  } catch (error) {
    return absent(spot.target, error)
  }
}

async function inFolder<Answer>(
  target: string,
  act: (spot: Spot) => Promise<Answer>,
): Promise<Answer> {
  let spot: Spot
  try {
    spot = await spotOf(target)
  } catch (error) {
    throw writeError(target, error)
  }
  await using folder = spot.folder
  return await act({ ...spot, folder })
}

/** In a folder where other users may make files, a redo file of theirs is not used. */
function isTrusted({ folder }: Spot, { stats: { uid, mode } }: Regular): boolean {
  return (
    (isOurs(uid) || (folder.keeper === "ours" && uid === folder.stats.uid)) && (mode & 0o077) === 0
  )
}

/**
 * Mode and owner first, so that no user reads the new bytes by the old rights; then the bytes, then
 * the length.
 */
async function overwrite(spot: Spot, bytes: Uint8Array, options: Owned): Promise<void> {
  const file = await openTarget(spot, options)
  try {
    await settle(file, options, spot.target)
    for (let at = 0; at < bytes.length; )
      at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten
    await file.truncate(bytes.length)
    await file.sync()
  } catch (error) {
    throw writeError(spot.target, error)
  } finally {
    await file.close()
  }
}

/**
 * Nothing is set that is so already: of another user's file, this user may not even set the mode
 * that it has.
 */
async function settle(file: FileHandle, { uid, gid, mode }: Owned, target: string): Promise<void> {
  if (mode === undefined) return
  const now = await file.stat()
  const same =
    (now.mode & 0o7777) === mode && (uid ?? now.uid) === now.uid && (gid ?? now.gid) === now.gid
  if (same) return
  await setOwnership(far, file.fd, { mode, ...present({ uid, gid }) }, target)
}

type Owned = { readonly uid?: number | undefined; readonly gid?: number; readonly mode?: number }

/** The file's owner may have it open, and would read what is written. */
async function openTarget(spot: Spot, { uid }: Owned): Promise<FileHandle> {
  const { target, folder, name } = spot
  let file: FileHandle
  try {
    file = await open(
      folder.at(name),
      constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    )
  } catch (error) {
    if (systemCode(error) === "ELOOP") throw linkError(target)
    throw writeError(target, error)
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new AppError("file-irregular", `${target} is not a regular file`)
    if (folder.keeper !== "ours") {
      await refuseLinked(spot, stats)
      if (!isOurs(stats.uid) && stats.uid !== uid) throw notForThem(target, stats.uid)
    }
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

function notForThem(target: string, uid: number): AppError {
  return new AppError(
    "output-planted",
    `${target} belongs to user ${uid}, who may have it open and would read what is written into it`,
    { hint: "chown it to the user whom owner: names, or remove it" },
  )
}

async function forget({ target, folder, name }: Spot): Promise<void> {
  try {
    await folder.disk.unlink(folder.at(redoName(name)))
    await syncOf(folder)
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw writeError(target, error)
  }
}
