import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { draftEnding } from "../../../base/files/draft-file.ts"
import { openFolder } from "../../../base/files/folder.ts"
import { readPresent } from "../file/present.ts"
import { refuseOddFolder } from "./place.ts"
import { chomp, type Settings } from "./read.ts"

const mostOthers = 1000
const largestOther = 65_536

/** Files that lie beside ours: those that are small enough to be a value, and that we may read. */
export async function others(settings: Settings): Promise<Readonly<Record<string, string>>> {
  await refuseOddFolder(settings.target)
  const own = new Set(settings.variables.map(({ name }) => name))
  const all: Record<string, string> = {}
  for (const name of (await namesIn(settings.target))
    .filter((one) => !isDraft(one) && !own.has(one))
    .slice(0, mostOthers)) {
    const present = await readPresent(join(settings.target, name)).catch(() => undefined)
    if (present !== undefined && present.text.length <= largestOther)
      all[name] = Buffer.from(chomp(present.text), "latin1").toString()
  }
  return all
}

/** Of this run, or left by a killed one: the next write removes it. */
function isDraft(name: string): boolean {
  return name.startsWith(".") && name.endsWith(draftEnding)
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    await using folder = await openFolder(path)
    const entries = await readdir(folder.self, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  } catch {
    // The write that follows says why it cannot be read.
    return []
  }
}
