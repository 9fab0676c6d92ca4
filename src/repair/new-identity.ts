import { readdir } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { durableRemove, durableWrite } from "../base/files/durable-write.ts"
import type { FileOptions } from "../base/files/draft-file.ts"
import { keeping } from "../base/files/ownership.ts"
import { readRegular } from "../base/files/read-regular.ts"
import { AppError } from "../base/error.ts"
import type { Host } from "../base/system/host.ts"
import type { Config } from "../config/model.ts"
import { identitiesIn, newIdentity, retiredIn, retiredMark } from "../core/seal.ts"
import { defaultIdentityPath } from "../app/identity-path.ts"
import { identityLines } from "../app/init.ts"

/**
 * A new identity takes the place of the old one in three durable steps: a copy of the file is kept
 * aside; the file holds both, the old one retired (it opens, nothing is sealed to it); when nothing
 * needs it any more, the new one alone.
 */

/**
 * Makes a new identity beside the one that is there; nothing where that was done already and is not
 * finished.
 */
export async function addIdentity(config: Pick<Config, "identity">, host: Host): Promise<void> {
  const { path, text, like } = await ownFile(config, host)
  await removeUnfinished(path)
  if (retiredIn(text).length > 0) return
  await keepAside(path, { text, like }, host.now())
  const at = host.now()
  const retired = identitiesIn(text).map(
    (identity) =>
      `${retiredMark} by mycelium rekey, ${at.toISOString()}: opens what is not sealed anew ` +
      "yet, nothing is sealed to it\n" +
      `${identity}\n`,
  )
  await durableWrite(
    path,
    `${await identityLines(await newIdentity(), at)}${retired.join("")}`,
    like,
  )
}

/**
 * Takes the retired ones out, each only when there is a copy of it; returns where the copies lie.
 */
export async function dropRetired(
  config: Pick<Config, "identity">,
  host: Host,
): Promise<readonly string[]> {
  const { path, text, like } = await ownFile(config, host)
  const retired = retiredIn(text)
  const lines = text.split("\n")
  const copies = await copiesWith(path, retired)
  const kept = (await Promise.all(copies.map(textOf))).join("\n")
  const alone = retired.filter((identity) => !kept.includes(identity))
  if (alone.length > 0)
    await keepAside(
      path,
      { text: alone.map((identity) => `${identity}\n`).join(""), like },
      host.now(),
    )
  const stays = lines.filter(
    (line, index) =>
      !(line.trim().startsWith(retiredMark) && retired.includes(lines[index + 1]?.trim() ?? "")) &&
      !retired.includes(line.trim()),
  )
  await durableWrite(path, stays.join("\n"), like)
  return copiesWith(path, retired)
}

async function copiesWith(path: string, identities: readonly string[]): Promise<readonly string[]> {
  const copies = await copiesOf(path)
  const texts = await Promise.all(copies.map(textOf))
  return copies.filter((_, index) =>
    identities.some((identity) => texts[index]?.includes(identity)),
  )
}

/** `like`: a new file in its place, or beside it, is its owner's, too. */
async function ownFile(
  config: Pick<Config, "identity">,
  host: Host,
): Promise<{ readonly path: string; readonly text: string; readonly like: FileOptions }> {
  if (config.identity !== undefined) {
    throw new AppError(
      "identity-elsewhere",
      "the identity comes by reference, so a new one cannot be put in its place from here",
      {
        hint:
          `put the new identity (age-keygen) above the old one, a line "${retiredMark}" between ` +
          "them, where the config says; then mycelium rekey; then take the old one out",
      },
    )
  }
  const path = defaultIdentityPath(host)
  const found = await readRegular(path, 64 * 1024)
  return {
    path,
    text: found === undefined ? "" : Buffer.from(found.bytes).toString(),
    like: keeping(found),
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
