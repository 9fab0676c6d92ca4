import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import type { Container, Group } from "../../docker/containers.ts"

/**
 * What ran before a rotation, and what it read: where both are the same later, nothing needs a
 * restart.
 */
export type Seen = { readonly containers: string; readonly files: ReadonlyMap<string, string> }

export async function seeNow({ containers }: Group, targets: readonly string[]): Promise<Seen> {
  const files = await Promise.all(
    targets.map(async (target) => [target, await hashOf(target)] as const),
  )
  return { containers: inWords(containers), files: new Map(files) }
}

/** Never where nothing is known to be read: then nothing tells whether there is something new. */
export async function isAsSeen({ containers, files }: Seen, now: Group): Promise<boolean> {
  if (files.size === 0 || !now.containers.every(({ state }) => state === "running")) return false
  if (inWords(now.containers) !== containers) return false
  const hashes = await Promise.all(
    [...files].map(async ([target, before]) => before !== "" && (await hashOf(target)) === before),
  )
  return hashes.every(Boolean)
}

/** The same containers, and no start of them in between. */
function inWords(containers: readonly Container[]): string {
  return containers
    .map(({ id, startedAt }) => `${id} ${startedAt}`)
    .toSorted()
    .join("\n")
}

/** Empty where it cannot be read as a file: a folder of files, for instance. */
async function hashOf(target: string): Promise<string> {
  const bytes = await readFile(target).catch(() => undefined)
  return bytes === undefined ? "" : createHash("sha256").update(bytes).digest("hex")
}
