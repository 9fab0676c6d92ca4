import { join } from "node:path"
import type { Draft } from "../../../core/ports.ts"
import { draftOf, removalOf, unchanged } from "../file/draft.ts"
import type { Present } from "../file/present.ts"
import { archiveOf } from "./archive.ts"
import { makeFolder } from "./place.ts"
import type { Found, Settings } from "./read.ts"

/** One draft for all files; undefined: that file goes. */
export async function draftAll(
  settings: Settings,
  found: Found,
  next: ReadonlyMap<string, Uint8Array | undefined>,
): Promise<Draft> {
  const writes = [...next.values()].some((bytes) => bytes !== undefined)
  const place = writes ? await makeFolder(settings.target, settings.files) : undefined
  const drafts: NamedDraft[] = []
  const discard = async (): Promise<void> => {
    for (const { draft } of drafts) await draft.discard()
    await place?.discard()
  }
  try {
    for (const [name, bytes] of next)
      drafts.push({ name, draft: await draftOne(settings, name, found.get(name), bytes) })
  } catch (error) {
    await discard()
    throw error
  }
  const changed = drafts.filter(({ draft }) => draft.changed)
  const after = archivedWith(found, next)
  const removes = after.length === 0
  if (changed.length === 0 && place?.isNew !== true) return { ...unchanged(after), removes }
  return {
    changed: true,
    removes,
    bytes: after,
    ...changed
      .map(({ draft: { narrows } }) => (narrows === undefined ? {} : { narrows }))
      .find((one) => "narrows" in one),
    changes: changed
      .filter(({ name }) => differs(found.get(name)?.bytes, next.get(name)))
      .map(({ name }) => name),
    commit: async () => {
      await place?.commit()
      for (const { draft } of changed) await draft.commit()
    },
    discard,
  }
}

type NamedDraft = { readonly name: string; readonly draft: Draft }

async function draftOne(
  settings: Settings,
  name: string,
  present: Present | undefined,
  bytes: Uint8Array | undefined,
): Promise<Draft> {
  const own = { target: join(settings.target, name), files: settings.files }
  return bytes === undefined
    ? removalOf(own, present, [name])
    : draftOf(own, { present, bytes, changes: [name] })
}

function archivedWith(found: Found, next: ReadonlyMap<string, Uint8Array | undefined>): Uint8Array {
  const files = new Map([...found].map(([name, { bytes }]) => [name, bytes]))
  for (const [name, bytes] of next) {
    if (bytes === undefined) files.delete(name)
    else files.set(name, bytes)
  }
  return files.size === 0 ? new Uint8Array() : archiveOf(files)
}

export function differs(before: Uint8Array | undefined, after: Uint8Array | undefined): boolean {
  return before === undefined || after === undefined
    ? before !== after
    : !Buffer.from(before).equals(after)
}
