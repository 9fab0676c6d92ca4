import { join } from "node:path"
import type { FileRules } from "../file/rules.ts"
import { refusePlanted } from "../file/planted.ts"
import { type Present, readPresent } from "../file/present.ts"
import type { Showing } from "../variables/variable.ts"
import { archiveOf } from "./archive.ts"
import { refuseOddFolder } from "./place.ts"

export type Settings = Showing & { readonly newline: boolean; readonly files: FileRules }
/** By name: our files that exist. */
export type Found = ReadonlyMap<string, Present>

export async function readFolder(settings: Settings): Promise<Found> {
  await refuseOddFolder(settings.target)
  const found = new Map<string, Present>()
  for (const { name } of settings.variables) {
    const present = await readPresent(join(settings.target, name))
    if (present !== undefined) found.set(name, present)
  }
  return found
}

/** Throws if another user may have planted one of them. */
export async function readToBelieve(settings: Settings): Promise<Found> {
  const found = await readFolder(settings)
  for (const [name, present] of found)
    await refusePlanted({ target: join(settings.target, name), files: settings.files }, present)
  return found
}

export function archived(found: Found): Uint8Array | undefined {
  return found.size === 0
    ? undefined
    : archiveOf(new Map([...found].map(([name, { bytes }]) => [name, bytes])))
}

/** Without the line end that an editor leaves. */
export function chomp(text: string): string {
  return text.replace(/\r?\n$/, "")
}
