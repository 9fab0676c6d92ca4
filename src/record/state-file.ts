import { join } from "node:path"
import { durableFolder, makeFolders } from "../base/files/durable-folder.ts"
import { readRegular } from "../base/files/read-regular.ts"
import { AppError } from "../base/error.ts"
import { type Folder, openFolder } from "../base/files/folder.ts"
import { absent, readAtOnce, readIn, type Regular, usualLimit } from "../base/files/read-regular.ts"
import type { Reserve } from "../base/files/reserve.ts"
import { noHead } from "../core/audit-line.ts"
import type { StateDocument } from "../core/state.ts"
import { isState } from "./state-shape.ts"

/**
 * The state document as a file: `<store>/secrets/<project>/<environment>.json`, 0600 in folders of
 * 0700.
 */

export type StateKey = {
  readonly store: string
  readonly project: string
  readonly environment: string
}

export function stateFolder(place: Pick<StateKey, "store" | "project">): string {
  const { store, project } = place
  if (last === undefined || store !== last.store || project !== last.project)
    last = { store, project, folder: join(store, "secrets", project) }
  return last.folder
}
/** The one that was asked for last: of thousands of environments most have the same. */
let last: { readonly store: string; readonly project: string; readonly folder: string } | undefined

export function statePath(place: StateKey): string {
  return `${stateFolder(place)}/${stateName(place)}`
}
function stateName({ environment }: Pick<StateKey, "environment">): string {
  return `${environment}.json`
}

/**
 * Makes the folders that are missing, private; refuses a way to them that another user can bend.
 * They last only once `writeState` has written into them.
 */
export async function makeStateFolder(place: Pick<StateKey, "store" | "project">): Promise<void> {
  await make(stateFolder(place), makeFolders)
}

async function make(folder: string, options: (folder: string) => Promise<unknown>): Promise<void> {
  try {
    await options(folder)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError("store-unwritable", `cannot make ${folder}`, {
      hint: "check the owner of the folder above it, or name another with store",
    })
  }
}

export function blankState(place: StateKey, id: string): StateDocument {
  return {
    format: 1,
    id,
    project: place.project,
    environment: place.environment,
    serial: 0,
    secrets: {},
    audit: { count: 0, head: noHead, lines: [] },
    mac: "",
  }
}

/**
 * The folder of a project's states, for callers that read many: the way to it is checked once.
 * Undefined where there is none.
 */
export async function openStates(
  place: Pick<StateKey, "store" | "project">,
): Promise<Folder | undefined> {
  try {
    return await openFolder(stateFolder(place))
  } catch (error) {
    return absent(stateFolder(place), error)
  }
}

/**
 * Reads and judges the document, without any key: undefined if there is none. `folder`: that of
 * all, where it is open.
 */
export async function readState(
  place: StateKey,
  folder?: Folder,
): Promise<StateDocument | undefined> {
  const found = folder === undefined ? await readRegular(statePath(place)) : readHere(place, folder)
  return found instanceof Promise ? judged(await found, place) : judged(found, place)
}

/** As `readState` says it. */
function judged(found: Regular | undefined, place: StateKey): StateDocument | undefined {
  if (found === undefined) return undefined
  const path = statePath(place)
  let parsed: unknown
  try {
    parsed = JSON.parse(textIn(found.bytes))
  } catch {
    throw broken(path)
  }
  if (typeof parsed !== "object" || parsed === null) throw broken(path)
  const { format } = parsed as { readonly format?: unknown }
  if (typeof format === "number" && format > 1)
    throw new AppError(
      "state-newer",
      `${path} was written by a newer mycelium (format ${format})`,
      { hint: "upgrade this mycelium; the file was not touched" },
    )
  if (!isState(parsed)) throw broken(path)
  if (parsed.project !== place.project || parsed.environment !== place.environment) {
    throw new AppError(
      "state-foreign",
      `${path} is the state of ${parsed.project}/${parsed.environment}`,
      { hint: "it was moved or copied here: put it back where it belongs; nothing was changed" },
    )
  }
  sizes.set(parsed, found.bytes.length)
  return parsed
}

/** Of documents that were read: looks at the room for the next write need not ask for it again. */
const sizes = new WeakMap<StateDocument, number>()

/** The bytes of the file that a document was read from; undefined if there was none. */
export function sizeRead(document: StateDocument): number | undefined {
  return sizes.get(document)
}

/** Of a thousand states, none is waited for that can be had at once. */
function readHere(
  place: StateKey,
  folder: Folder,
): Regular | undefined | Promise<Regular | undefined> {
  const path = statePath(place)
  const spot = { target: path, folder, name: stateName(place) }
  try {
    return (
      readAtOnce(spot, usualLimit, shared) ??
      readIn(spot, usualLimit).catch((error: unknown) => absent(path, error))
    )
  } catch (error) {
    return absent(path, error)
  }
}

/** Of a thousand states, each is judged before the next one is read. What is larger has its own. */
const shared = Buffer.allocUnsafeSlow(64 * 1024)

/** Without a copy: of a thousand states each byte counts. */
function textIn({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString()
}

function broken(path: string): AppError {
  return new AppError("state-broken", `${path} is damaged or cut off`, {
    hint:
      "restore it from a backup (each value in it opens with the age command and your " +
      "identity); nothing was changed",
  })
}

export async function writeState(
  place: StateKey,
  document: StateDocument,
  { key, reserve }: { readonly key: Buffer; readonly reserve: Reserve },
): Promise<void> {
  // The first one: its folders are as young as it is.
  if (document.serial === 1) await make(stateFolder(place), durableFolder)
  await reserve.write(Buffer.from(stateText(document, key)))
}

/** The document as it lies on disk, under a new MAC. */
export function stateText(document: StateDocument, key: Buffer): string {
  const { mac: _, ...rest } = document
  const text = textOf(rest)
  // The text that was signed, with one more line: written once, not once for the MAC and once for
  // the file.
  return `${text.slice(0, -"\n}".length)},\n "mac": "${macOf(text, key)}"\n}\n`
}

/** Throws `state-edited` unless the document is as one who holds the key wrote it. */
export function checkMac(place: StateKey, document: StateDocument, key: Buffer): void {
  const { mac, ...rest } = document
  const [given, right] = [Buffer.from(mac), Buffer.from(macOf(textOf(rest), key))]
  if (given.length !== right.length || !crypto.timingSafeEqual(given, right)) {
    throw new AppError(
      "state-edited",
      `${statePath(place)} was edited, or belongs to another store`,
      {
        hint: "restore it from a backup, with the keys.age of the same store; nothing was changed",
      },
    )
  }
}

function textOf(rest: Omit<StateDocument, "mac">): string {
  return JSON.stringify(rest, null, 1)
}

function macOf(text: string, key: Buffer): string {
  return new Bun.CryptoHasher("sha256", key).update(text).digest("hex")
}

export function lockPath(place: StateKey): string {
  return `${stateFolder(place)}/${place.environment}.lock`
}
