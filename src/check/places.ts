import { constants, existsSync, lstatSync } from "node:fs"
import { access } from "node:fs/promises"
import { basename, dirname } from "node:path"
import { AppError, systemCode } from "../base/error.ts"
import { networkOf } from "../base/files/file-system.ts"
import { openFolder } from "../base/files/folder.ts"
import { isMountPoint, mountedAlone, ownMounts } from "../base/files/mounts.ts"
import type { OutputLocation, Places } from "./self-tests/places.ts"
import type { Me } from "./self-tests/path-stat.ts"
import { type FileRules, ownership } from "../plugins/outputs/file/rules.ts"
import { refuseTaken } from "../plugins/outputs/file/kept.ts"
import { refuseHeldOpen } from "../plugins/outputs/file/held-open.ts"
import { refusePlanted } from "../plugins/outputs/file/planted.ts"
import { readPresent } from "../plugins/outputs/file/present.ts"
import { refuseOtherOwner } from "../plugins/outputs/folder/place.ts"
import { outputsOf, rulesOf } from "./files.ts"
import { nearestFolder } from "./nearest-folder.ts"
import type { Places as Looked } from "./request.ts"
import { outputSizeOf } from "./size-of.ts"
import { inKib, isOurs, unwritable } from "./writable.ts"

/** Where the files of all outputs lie. */
export async function outputPlaces(looked: Looked, me: Me): Promise<Places> {
  const { config } = looked
  const mounts = ownMounts()
  const found = await Promise.all(
    outputsOf(looked).map(
      async ({ target, files, environment, options }): Promise<readonly OutputLocation[]> => {
        const rules = rulesOf(options)
        // A name that this machine does not know is told when the output is written.
        const owner = await ownership({ owner: rules.owner, group: rules.group }, undefined).catch(
          () => undefined,
        )
        const reader = owner?.uid === undefined ? undefined : { uid: owner.uid, gid: owner.gid }
        const fault = files === undefined ? undefined : await folderFault(target, owner?.uid)
        const context = {
          store: config.store,
          me,
          inPlace: rules.in_place === true,
          // A folder of files is made where there is none.
          needsFolder: files === undefined,
        }
        return Promise.all(
          (files ?? [target]).map(async (path) => ({
            path,
            fault: fault ?? (await fileFault(path, rules)),
            what: `an output of ${environment}`,
            names: namesOf(path),
            inPlace: context.inPlace,
            ...(await whyUnwritable(path, context)),
            isMount: isMountPoint(path, mounts),
            network: networkOf(nearestFolder(dirname(path))),
            reader,
          })),
        )
      },
    ),
  )
  const places = found.flat()
  return { places, alone: mountedAlone(places.map(({ path }) => path)) }
}

type Writing = {
  readonly store: string
  readonly me: Me
  readonly inPlace: boolean
  readonly needsFolder: boolean
}

/** Why nothing new can be written there; a folder that is not there yet is looked at above it. */
async function whyUnwritable(
  path: string,
  { store, me, inPlace, needsFolder }: Writing,
): Promise<Pick<OutputLocation, "unwritable">> {
  if (needsFolder && !existsSync(dirname(path))) return { unwritable: "its folder does not exist" }
  const folder = nearestFolder(dirname(path))
  const found = await unwritable(folder, outputSizeOf(path))
  if (found?.kind === "full")
    return {
      unwritable:
        `the disk of ${folder} has no room for it: ${inKib(found.free)} are left, ` +
        `${inKib(found.need)} are needed`,
    }
  if (found !== undefined && isOurs(found, store, me))
    return { unwritable: `nothing can be written in ${folder}: ${found.code}` }
  // A file that is written into may lie on a mount of its own.
  const own = inPlace && existsSync(path) ? await fileRefused(path) : undefined
  return own !== undefined && isOurs({ code: own }, store, me)
    ? { unwritable: `it cannot be written: ${own}` }
    : {}
}

async function fileRefused(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.W_OK)
    return undefined
  } catch (error) {
    return systemCode(error)
  }
}

/** Why a rotation would not write there; by the same functions. */
async function fileFault(target: string, files: FileRules): Promise<AppError | undefined> {
  return faultIn(async () => {
    const present = await readPresent(target)
    if (present !== undefined) await refusePlanted({ target, files }, present)
    if (present !== undefined) await refuseHeldOpen({ target, files }, present.stats)
    await refuseTaken({ target, files }, present?.stats)
  })
}

async function folderFault(folder: string, uid: number | undefined): Promise<AppError | undefined> {
  return faultIn(async () => {
    await using above = await openFolder(dirname(folder))
    if ((await above.disk.statPath(above.at(basename(folder)))) === undefined)
      refuseOtherOwner(above, folder, uid)
  })
}

/** What else stands in the way is found by other checks. */
const judged: readonly string[] = [
  "file-is-link",
  "file-hard-linked",
  "folder-of-others",
  "output-held-open",
  "output-planted",
  "owner-not-kept",
  "owner-refused",
  "proc-missing",
]

async function faultIn(act: () => Promise<void>): Promise<AppError | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    if (error instanceof AppError) return judged.includes(error.code) ? error : undefined
    if (systemCode(error) === undefined) throw error
    return undefined
  }
}

function namesOf(path: string): number {
  try {
    const stats = lstatSync(path)
    return stats.isFile() ? stats.nlink : 0
  } catch {
    return 0
  }
}
