import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"

/**
 * By path: what a program read before a rotation, as a hash. Empty where it is no file, or cannot
 * be read.
 */
export type ReadFiles = ReadonlyMap<string, string>

export async function readFilesNow(targets: readonly string[]): Promise<ReadFiles> {
  const files = await Promise.all(
    targets.map(async (target) => [target, await hashOf(target)] as const),
  )
  return new Map(files)
}

/** Never where nothing is known to be read: then nothing tells whether there is something new. */
export async function areAsRead(files: ReadFiles): Promise<boolean> {
  if (files.size === 0) return false
  const same = await Promise.all(
    [...files].map(async ([target, before]) => before !== "" && (await hashOf(target)) === before),
  )
  return same.every(Boolean)
}

async function hashOf(target: string): Promise<string> {
  try {
    return createHash("sha256")
      .update(await readFile(target))
      .digest("hex")
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT" ? "absent" : ""
  }
}
