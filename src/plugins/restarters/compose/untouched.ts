import type { Container } from "../../docker/containers.ts"
import type { Group } from "../../docker/group.ts"
import { type ReadFiles, areAsRead, readFilesNow } from "../../read-files.ts"

/**
 * What ran before a rotation, and what it read: where both are the same later, nothing needs a
 * restart.
 */
export type Seen = { readonly containers: string; readonly files: ReadFiles }

export async function seeNow({ containers }: Group, targets: readonly string[]): Promise<Seen> {
  return { containers: inWords(containers), files: await readFilesNow(targets) }
}

export async function isAsSeen({ containers, files }: Seen, now: Group): Promise<boolean> {
  if (!now.containers.every(({ state }) => state === "running")) return false
  return inWords(now.containers) === containers && areAsRead(files)
}

/** The same containers, and no start of them in between. */
function inWords(containers: readonly Container[]): string {
  return containers
    .map(({ id, startedAt }) => `${id} ${startedAt}`)
    .toSorted()
    .join("\n")
}
