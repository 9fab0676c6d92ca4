import { type Stats, statSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { AppError, systemCode } from "../base/error.ts"
import { durableFolder } from "../base/files/durable-folder.ts"
import { durableWrite } from "../base/files/durable-write.ts"
import { type HeldLock, takeLock } from "../base/files/lock.ts"
import { readRegular } from "../base/files/read-regular.ts"
import { seal, unseal } from "../core/seal.ts"
import { type Bindings, bindings, checkBinding } from "./binding.ts"

/**
 * What opens and seals: the identities of this machine, today's recipients, and the two keys of
 * the store.
 */
export type Keys = {
  readonly identities: readonly string[]
  readonly recipients: readonly string[]
  /** Those of the identities that nothing is sealed to any more. */
  readonly retired?: readonly string[]
  /** Under which the state's MAC is made. */
  readonly mac: Buffer
  /** Under which values are fingerprinted, so that environments of one store can be compared. */
  readonly fingerprint: Buffer
  /** Which identities have made these two keys their own. */
  readonly bound?: Bindings
  /** Of the file that they were read from: it is another one when they are sealed anew. */
  readonly fileVersion: string
}

type Who = Pick<Keys, "identities" | "recipients" | "retired">

function keysPath(store: string): string {
  return join(store, "keys.age")
}

/**
 * Opens the store's keys, if they are ours. `make`: a store that has none gets them, durably,
 * before anything is sealed. `trust`: a person says that keys which this identity has never bound
 * are right.
 */
export async function openKeys(
  store: string,
  who: Who,
  { make = false, trust = false }: { readonly make?: boolean; readonly trust?: boolean } = {},
): Promise<Keys> {
  const found = await readKeys(store, who, trust)
  if (found !== undefined) return found
  if (!make) throw keysMissing(store)
  return makeKeys(store, who)
}

async function readKeys(store: string, who: Who, trust = false): Promise<Keys | undefined> {
  const found = await readRegular(keysPath(store), 64 * 1024)
  if (found === undefined) return undefined
  const {
    mac,
    fingerprint,
    bound = {},
  } = await openedKeys(keysPath(store), who.identities, Buffer.from(found.bytes).toString())
  if (typeof mac !== "string" || typeof fingerprint !== "string" || !isBindings(bound))
    throw keysBroken(keysPath(store), "does not hold the keys of a store")
  const keys = { mac: Buffer.from(mac, "base64"), fingerprint: Buffer.from(fingerprint, "base64") }
  await checkBinding(keysPath(store), keys, { identities: who.identities, bound }).catch(
    (error: unknown) => {
      if (!trust || !(error instanceof AppError) || error.code !== "keys-unverified") throw error
    },
  )
  return { ...who, ...keys, bound, fileVersion: fileVersionOf(found.stats) }
}

/** A file that is damaged says nothing against the identity. */
async function openedKeys(
  path: string,
  identities: readonly string[],
  sealed: string,
): Promise<{ readonly mac?: unknown; readonly fingerprint?: unknown; readonly bound?: unknown }> {
  try {
    return Object(JSON.parse(Buffer.from(await unseal(identities, sealed)).toString()))
  } catch (error) {
    if (!(error instanceof AppError)) throw keysBroken(path, "does not hold the keys of a store")
    if (error.code === "seal-damaged") throw keysBroken(path, "is damaged")
    throw new AppError(
      error.code,
      `${path} cannot be opened with this identity`,
      error.hint === undefined ? {} : { hint: error.hint },
    )
  }
}

/** Throws unless one of these identities opens the store's keys, where it has any. */
export async function demandOpens(store: string, identities: readonly string[]): Promise<void> {
  const sealed = await readSealedKeys(store)
  if (sealed !== undefined) await openedKeys(keysPath(store), identities, sealed)
}

function keysBroken(path: string, message: string): AppError {
  return new AppError("keys-broken", `${path} ${message}`, {
    hint: "put it back from the backup of the store, and keep the identity: nothing speaks against it",
  })
}

function isBindings(bound: unknown): bound is Bindings {
  return (
    typeof bound === "object" &&
    bound !== null &&
    Object.values(bound).every((one) => typeof one === "string")
  )
}

/** Of the keys as they lie there now; "" where there are none. */
export function keysFileVersion(store: string): string {
  try {
    const stats = statSync(keysPath(store), { throwIfNoEntry: false })
    return stats === undefined ? "" : fileVersionOf(stats)
  } catch (error) {
    throw new AppError(
      "file-unreadable",
      `cannot read ${keysPath(store)}: ${systemCode(error) ?? "unknown error"}`,
      {
        remedy: "retry",
        hint:
          "see that the disk works, and that this user may enter the store: " +
          "else run it as the user that ran mycelium init",
      },
    )
  }
}

function fileVersionOf({ ino, mtimeMs }: Pick<Stats, "ino" | "mtimeMs">): string {
  return `${ino} ${mtimeMs}`
}

/**
 * One process at a time: of two that begin a store at once, the second must use the keys of the
 * first. Keys that were lost are never replaced: every state would look edited.
 */
async function makeKeys(store: string, who: Who): Promise<Keys> {
  const lock = await lockKeys(store, "a process that makes the keys of this store")
  try {
    const found = await readKeys(store, who)
    if (found !== undefined) return found
    if (await storeHasState(store)) throw keysMissing(store)
    const keys = { mac: fresh(), fingerprint: fresh() }
    await durableFolder(store)
    return await writeKeys(store, { ...who, ...keys })
  } finally {
    lock.release()
  }
}

/** Bound to those of our identities that are not retired, in one file with what is bound. */
async function writeKeys(store: string, keys: Omit<Keys, "fileVersion">): Promise<Keys> {
  const { mac, fingerprint, recipients, retired = [] } = keys
  const identities = keys.identities.filter((one) => !retired.includes(one))
  const bound = await bindings({ mac, fingerprint }, { identities, recipients }, keys.bound ?? {})
  const text = JSON.stringify({
    mac: mac.toString("base64"),
    fingerprint: fingerprint.toString("base64"),
    bound,
  })
  await durableWrite(keysPath(store), await seal(recipients, Buffer.from(text)))
  return { ...keys, bound, fileVersion: keysFileVersion(store) }
}

/**
 * The same keys, sealed for today's recipients and bound to our identities; durable. Every
 * process that opened them before notices (app/fresh-keys.ts).
 */
export function resealKeys(store: string, keys: Keys): Promise<Keys> {
  return writeKeys(store, keys)
}

/** The sealed file itself. */
export async function readSealedKeys(store: string): Promise<string | undefined> {
  const found = await readRegular(keysPath(store), 64 * 1024)
  return found === undefined ? undefined : Buffer.from(found.bytes).toString()
}

/** Only one at a time makes the keys of a store, or seals them anew. */
export function lockKeys(store: string, holder: string): Promise<HeldLock> {
  return waitForLock(join(store, "keys.lock"), holder)
}

/** To make them takes milliseconds, once in the life of a store. */
async function waitForLock(path: string, holder: string): Promise<HeldLock> {
  for (let waitedMs = 0; ; waitedMs += 20) {
    const lock = await takeLock(path, holder)
    if ("release" in lock) return lock
    if (waitedMs >= 10_000)
      throw new AppError("locked", `${path} is held by ${lock.heldBy}`, { remedy: "retry" })
    await Bun.sleep(20)
  }
}

async function storeHasState(store: string): Promise<boolean> {
  const names = await readdir(join(store, "secrets"), { recursive: true }).catch(() => [])
  return names.some((name) => name.endsWith(".json"))
}

function keysMissing(store: string): AppError {
  return new AppError("keys-missing", `${keysPath(store)} is missing`, {
    hint:
      "restore it from the backup of the store; the sealed values themselves can still be " +
      "opened with age",
  })
}

function fresh(): Buffer {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32)))
}
