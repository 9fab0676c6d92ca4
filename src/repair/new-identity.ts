import { readdir } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { durableRemove, durableWrite } from "../base/files/durable-write.ts"
import type { FileOptions } from "../base/files/draft-file.ts"
import { keeping } from "../base/files/ownership.ts"
import { readRegular } from "../base/files/read-regular.ts"
import { AppError } from "../base/error.ts"
import type { Host } from "../base/system/host.ts"
import type { Config } from "../config/model.ts"
import { identitiesIn, newIdentity, retiredIn, withoutRetired } from "../core/seal.ts"
import { fileOf, placeOf } from "../plugins/references/index.ts"
import { defaultIdentityPath, isBrought, successorHint } from "../app/identity-path.ts"
import { successorLines } from "../app/identity-lines.ts"

/**
 * A new identity takes the place of the old one in three durable steps: a copy of the file is kept
 * aside; the file holds both, the old one retired (it opens, nothing is sealed to it); when nothing
 * needs it any more, the new one alone.
 */

/**
 * Makes a new identity beside the one that is there; nothing where that was done already and is not
 * finished.
 */
export async function addIdentity(config: Place, host: Host): Promise<void> {
  const path = ownPath(config, host)
  if (path === undefined) throw elsewhere(config)
  try {
    await addTo(path, host)
  } catch (error) {
    if (!(error instanceof AppError) || config.identity === undefined) throw error
    if (error.code === "identity-open") throw error
    throw new AppError(error.code, error.message, { hint: successorHint(path) })
  }
}

async function addTo(path: string, host: Host): Promise<void> {
  const { text, like } = await fileAt(path)
  await removeUnfinished(path)
  if (retiredIn(text).length > 0) return
  const now = host.now()
  await keepAside(path, { text, like }, now)
  const lines = await successorLines(await newIdentity(), { before: identitiesIn(text), now })
  await durableWrite(path, lines, like)
}

/**
 * Takes the retired ones out of a file that we may replace, each only when there is a copy of it;
 * returns where the copies lie. A file that the config names may be kept by others: it stays as it
 * is where it cannot be replaced, and no copy is returned.
 */
export async function dropRetired(config: Place, host: Host): Promise<readonly string[]> {
  const path = ownPath(config, host)
  if (path === undefined) return []
  try {
    return await dropFrom(path, host)
  } catch (error) {
    if (!(error instanceof AppError) || config.identity === undefined) throw error
    return []
  }
}

async function dropFrom(path: string, host: Host): Promise<readonly string[]> {
  const { text, like } = await fileAt(path)
  const retired = retiredIn(text)
  const copies = await copiesWith(path, retired)
  const kept = (await Promise.all(copies.map(textOf))).join("\n")
  const alone = retired.filter((identity) => !kept.includes(identity))
  if (alone.length > 0)
    await keepAside(
      path,
      { text: alone.map((identity) => `${identity}\n`).join(""), like },
      host.now(),
    )
  await durableWrite(path, withoutRetired(text), like)
  return copiesWith(path, retired)
}

async function copiesWith(path: string, identities: readonly string[]): Promise<readonly string[]> {
  const copies = await copiesOf(path)
  const texts = await Promise.all(copies.map(textOf))
  return copies.filter((_, index) =>
    identities.some((identity) => texts[index]?.includes(identity)),
  )
}

type Place = Pick<Config, "identity" | "folder">

/** The file that we may replace: the usual one, or one that the config names and nothing brings. */
function ownPath({ identity, folder }: Place, host: Host): string | undefined {
  if (identity === undefined) return defaultIdentityPath(host)
  const path = fileOf(identity, folder)
  return path === undefined || isBrought(path) ? undefined : path
}

function elsewhere({ identity, folder }: Place): AppError {
  const place = identity === undefined ? "its usual file" : placeOf(identity, folder)
  return new AppError(
    "identity-elsewhere",
    `the identity comes from ${place}, where no new one can be put from here`,
    { hint: successorHint(place) },
  )
}

/** `like`: a new file in its place, or beside it, is its owner's, too; a group reads it as before. */
async function fileAt(
  path: string,
): Promise<{ readonly text: string; readonly like: FileOptions }> {
  const found = await readRegular(path, 64 * 1024)
  const mode = found?.stats.mode ?? 0
  if ((mode & 0o006) !== 0)
    throw new AppError("identity-open", `${path} can be read by others`, {
      hint: `chmod o= ${path}, then the same again`,
    })
  return {
    text: found === undefined ? "" : Buffer.from(found.bytes).toString(),
    like: { ...keeping(found), mode: 0o600 | (mode & 0o040) },
  }
}

async function textOf(path: string): Promise<string> {
  const found = await readRegular(path, 64 * 1024)
  return found === undefined ? "" : Buffer.from(found.bytes).toString()
}

/** Once, also where the step after it was cut off; never over another copy. */
async function keepAside(
  path: string,
  { text, like }: { readonly text: string; readonly like: FileOptions },
  now: Date,
): Promise<void> {
  const copies = await copiesOf(path)
  for (const copy of copies) if ((await textOf(copy)) === text) return
  const dated = `${path}.old-${now.toISOString().slice(0, 10)}`
  let copy = dated
  for (let number = 2; copies.includes(copy); number++) copy = `${dated}-${number}`
  await durableWrite(copy, text, like)
}

function copiesOf(path: string): Promise<readonly string[]> {
  return beside(path, "")
}

/** A copy that a crash left half written, on whichever day. */
async function removeUnfinished(path: string): Promise<void> {
  for (const draft of await beside(path, "."))
    if (draft.endsWith(unfinished)) await durableRemove(draft)
}

const unfinished = ".mycelium-draft"

async function beside(path: string, before: string): Promise<readonly string[]> {
  const names = await readdir(dirname(path))
  return names
    .filter((name) => name.startsWith(`${before}${basename(path)}.old-`))
    .map((name) => join(dirname(path), name))
}
