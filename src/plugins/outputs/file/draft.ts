import { access } from "node:fs/promises"
import { dirname } from "node:path"
import type { FileOptions } from "../../../base/files/draft-file.ts"
import {
  type DraftFile,
  type Replacement,
  draftFile,
  durableRemove,
  removeDraft,
} from "../../../base/files/durable-write.ts"
import { AppError, systemCode } from "../../../base/error.ts"
import { draftInPlace, emptyInPlace, healInPlace } from "../../../base/files/in-place.ts"
import { isMountPoint } from "../../../base/files/mounts.ts"
import type { Draft } from "../../../core/ports.ts"
import { ownership, ownershipIsRight } from "./rules.ts"
import { refuseHeldOpen } from "./held-open.ts"
import { explained, narrowing, refuseChanged } from "./kept.ts"
import { type OwnFile, refusePlanted } from "./planted.ts"
import { type Present, largest, readPresent } from "./present.ts"

export type { OwnFile } from "./planted.ts"
type Next = {
  readonly present: Present | undefined
  readonly bytes: Uint8Array
  readonly changes: readonly string[]
  readonly trial?: boolean
  /** Bytes of before are put back: no new value is shown. */
  readonly restores?: true
}

/** The file as it lies there, once a write into it that failed halfway is finished. */
export async function readToWrite(file: OwnFile): Promise<Present | undefined> {
  if (file.files.in_place === true) await healInPlace(file.target)
  return readToBelieve(file)
}

/** The file as it lies there; throws if another user may have planted it. */
export async function readToBelieve(file: OwnFile): Promise<Present | undefined> {
  const present = await readPresent(file.target)
  if (present !== undefined) await refusePlanted(file, present)
  return present
}

/** The same, to put former bytes back: to take a file away nothing of it need be believed. */
export async function readToRestore(
  file: OwnFile,
  before: Uint8Array | undefined,
): Promise<Present | undefined> {
  if (before !== undefined) return readToWrite(file)
  if (file.files.in_place === true) await healInPlace(file.target)
  return readPresent(file.target)
}

/** A draft of the file beside it; none is made where nothing would change. */
export async function draftOf(
  file: OwnFile,
  { present, bytes, changes, trial = false, restores }: Next,
): Promise<Draft> {
  if (bytes.length > largest)
    throw new AppError("output-too-large", `${file.target} would be larger than ${largest} bytes`, {
      hint: "look at its template: a loop in it?",
    })
  if (
    present !== undefined &&
    equal(present.bytes, bytes) &&
    (await ownershipIsRight(file.files, present.stats))
  )
    return unchanged(bytes)
  if (present !== undefined && restores !== true) await refuseHeldOpen(file, present.stats)
  const drafted = await beside(file, present, { bytes, trial }).catch(async (error: unknown) => {
    await refuseMissingFolder(file.target)
    throw await explained(error, file, present?.stats)
  })
  return {
    changed: true,
    bytes,
    changes,
    ...narrowing(file, present),
    commit: async () => {
      await refuseEdited(file.target, present)
      await drafted.commit()
    },
    discard: () => drafted.discard(),
  }
}

async function beside(
  { target, files }: OwnFile,
  present: Present | undefined,
  { bytes, trial }: { readonly bytes: Uint8Array; readonly trial: boolean },
): Promise<DraftFile> {
  const options = { ...(await ownership(files, present?.stats)), trial }
  if (present === undefined)
    return readable(target, await draftFile(target, bytes, options), options)
  if (files.in_place === true) {
    await refuseChanged({ target, files }, present.stats)
    return draftInPlace(target, present.bytes, bytes, { uid: present.stats.uid, ...options })
  }
  if (isMountPoint(target)) {
    throw new AppError(
      "output-is-mount",
      `${target} is mounted by itself, so it cannot be replaced as a whole`,
      {
        hint: "mount its folder instead; or write in_place: true, and a reader may see half of it",
      },
    )
  }
  return readable(target, await draftFile(target, bytes, options), options)
}

/**
 * The draft, whose owner and mode the file will have: one that we could write, but never read
 * again, would be in the way of every later rotation.
 */
async function readable(
  target: string,
  drafted: Replacement,
  { uid, gid }: FileOptions,
): Promise<DraftFile> {
  if (await isReadable(drafted)) return drafted
  await drafted.discard()
  throw new AppError(
    "output-given-away",
    `${target} would belong to user ${uid ?? "?"} and group ${gid ?? "?"}, ` +
      "and mycelium could not read it again: the next rotation would stop there",
    {
      hint:
        'add mode: "0640" and a group that this user is in, run as the owner, ' +
        "or with CAP_DAC_READ_SEARCH",
    },
  )
}

async function isReadable(drafted: Replacement): Promise<boolean> {
  try {
    await drafted.mayRead()
    return true
  } catch (error) {
    return systemCode(error) !== "EACCES"
  }
}

/** Brings back the state in which there was no file. */
export function removalOf(
  file: OwnFile,
  present: Present | undefined,
  changes: readonly string[],
): Draft {
  if (present === undefined) return { ...unchanged(new Uint8Array()), removes: true }
  return {
    changed: true,
    removes: true,
    bytes: new Uint8Array(),
    changes,
    commit: async () => {
      await refuseEdited(file.target, present)
      if (file.files.in_place === true) await emptyInPlace(file.target)
      if (file.files.in_place !== true || !isMountPoint(file.target))
        await durableRemove(file.target)
    },
    discard: async () => undefined,
  }
}

/** Removes what a crash left beside the file, and ends a write into it that was cut off. */
export async function tidyFile(target: string): Promise<void> {
  await removeDraft(target)
  await healInPlace(target)
}

export function unchanged(bytes: Uint8Array): Draft {
  return {
    changed: false,
    bytes,
    changes: [],
    commit: async () => undefined,
    discard: async () => undefined,
  }
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.from(one).equals(other)
}

/** An edit, or a new owner, since we read the file would be lost. */
async function refuseEdited(target: string, before: Present | undefined): Promise<void> {
  const now = await readPresent(target)
  const same =
    before === undefined || now === undefined
      ? before === now
      : equal(before.bytes, now.bytes) && sameOwner(before, now)
  if (!same)
    throw new AppError(
      "output-changed-meanwhile",
      `${target} was changed by another program meanwhile`,
      { remedy: "retry", hint: "nothing was written; try again" },
    )
}

function sameOwner({ stats: before }: Present, { stats: now }: Present): boolean {
  return before.uid === now.uid && before.gid === now.gid
}

async function refuseMissingFolder(target: string): Promise<void> {
  const there = await access(dirname(target)).then(
    () => true,
    (error: unknown) => !(error instanceof Error && "code" in error && error.code === "ENOENT"),
  )
  if (!there)
    throw new AppError("output-folder-missing", `the folder of ${target} does not exist`, {
      hint: "create it, private to those who read the file (mkdir -m 0750)",
    })
}
