import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { run } from "./run.ts"

/** Ignored by git; nothing in it is needed to build. */
export const cacheFolder = join(import.meta.dir, "../../.tools/servers")

/**
 * The folder `name` of the cache, filled by `fill` if it is not there yet. Several test processes
 * may ask at once: each fills a draft of its own, one rename wins, and no reader ever sees half a
 * folder. Answers the folder, or why not.
 */
export async function cached(
  name: string,
  fill: (draft: string) => Promise<string | undefined>,
): Promise<{ readonly folder: string } | { readonly why: string }> {
  const folder = join(cacheFolder, name)
  if (existsSync(folder)) return { folder }
  await mkdir(cacheFolder, { recursive: true })
  const draft = await mkdtemp(join(cacheFolder, "draft-"))
  try {
    const why = await fill(draft)
    if (why !== undefined) return { why }
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
    return { folder }
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Root's servers run as the user nobody, who must be able to read the programs whatever the umask was. */
export async function openToAll(folder: string): Promise<string | undefined> {
  const ran = await run(["chmod", "-R", "u=rwX,go=rX", folder])
  return ran.ok ? undefined : ran.err
}
