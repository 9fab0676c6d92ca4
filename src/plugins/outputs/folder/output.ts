import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { AppError } from "../../../base/error.ts"
import { openFolder as openWay } from "../../../base/files/folder.ts"
import type { Draft, IssuedVersions, Output, Values } from "../../../core/ports.ts"
import type { FileRules } from "../file-options.ts"
import { draftOf, removalOf, tidyFile, unchanged } from "../file/draft.ts"
import { refusePlanted } from "../file/planted.ts"
import { type Present, readPresent } from "../file/present.ts"
import { adoptFrom } from "../variables/adopt.ts"
import { driftError, findDrift } from "../variables/drift.ts"
import { type Held, type Showing, isWithoutValue, render, showsOf } from "../variables/variable.ts"
import { archiveOf, filesIn } from "./archive.ts"
import { makeFolder, refuseOddFolder } from "./place.ts"

export type Settings = Showing & { readonly newline: boolean; readonly files: FileRules }
type Found = ReadonlyMap<string, Present>

/** One file a value. Other files in the folder stay as they are. */
export function openFolder(settings: Settings): Output {
  const { target } = settings
  return {
    target,
    shows: showsOf(settings),
    whole: true,
    apart: true,
    read: async () => archived(await readFolder(settings)),
    prepare: (values, issued, signal) => prepare(settings, values, issued, signal),
    restore: async (before, signal) => {
      const found = await (before === undefined ? readFolder(settings) : lookToBelieve(settings))
      signal.throwIfAborted()
      const former = before === undefined ? new Map<string, Uint8Array>() : filesIn(before)
      return draftAll(
        settings,
        found,
        new Map(settings.variables.map(({ name }) => [name, former.get(name)])),
      )
    },
    compare: (values) => compare(settings, values),
    others: () => others(settings),
    prune: async (names, isOurs, signal) => {
      const own = new Set(settings.variables.map(({ name }) => name))
      const found = await readFolder({
        ...settings,
        variables: names
          .filter((name) => !own.has(name))
          .map((name) => ({ name, template: "", secrets: [] })),
      })
      signal.throwIfAborted()
      const going = [...found].filter(([, { text }]) =>
        isOurs(Buffer.from(chomp(text), "latin1").toString()),
      )
      return draftAll(settings, found, new Map(going.map(([name]) => [name, undefined])))
    },
    remove: async (secrets, issued, signal) => {
      const found = await lookToBelieve(settings)
      signal.throwIfAborted()
      const going = settings.variables.filter((variable) =>
        variable.secrets.some((name) => secrets.includes(name)),
      )
      await refuseDrift({ ...settings, variables: going }, found, new Map(), issued)
      return draftAll(settings, found, new Map(going.map(({ name }) => [name, undefined])))
    },
    adopt: async (secrets) =>
      adoptFrom(settings, heldIn(await lookToBelieve(settings), chomp), secrets),
    tidy: async () => {
      for (const { name } of settings.variables) await tidyFile(join(target, name))
    },
  }
}

const mostOthers = 1000
const largestOther = 65_536

/** Files that lie beside ours: those that are small enough to be a value, and that we may read. */
async function others(settings: Settings): Promise<Readonly<Record<string, string>>> {
  await refuseOddFolder(settings.target)
  const own = new Set(settings.variables.map(({ name }) => name))
  const all: Record<string, string> = {}
  for (const name of (await namesIn(settings.target))
    .filter((one) => !one.startsWith(".") && !own.has(one))
    .slice(0, mostOthers)) {
    const present = await readPresent(join(settings.target, name)).catch(() => undefined)
    if (present !== undefined && present.text.length <= largestOther)
      all[name] = Buffer.from(chomp(present.text), "latin1").toString()
  }
  return all
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    await using folder = await openWay(path)
    const entries = await readdir(folder.self, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  } catch {
    // Why it cannot be read is told by whoever writes into it.
    return []
  }
}

async function readFolder(settings: Settings): Promise<Found> {
  await refuseOddFolder(settings.target)
  const found = new Map<string, Present>()
  for (const { name } of settings.variables) {
    const present = await readPresent(join(settings.target, name))
    if (present !== undefined) found.set(name, present)
  }
  return found
}

/** If what is there, and whose it is, may go on. */
async function lookToBelieve(settings: Settings): Promise<Found> {
  const found = await readFolder(settings)
  for (const [name, present] of found)
    await refusePlanted({ target: join(settings.target, name), files: settings.files }, present)
  return found
}

function archived(found: Found): Uint8Array | undefined {
  return found.size === 0
    ? undefined
    : archiveOf(new Map([...found].map(([name, { bytes }]) => [name, bytes])))
}

async function prepare(
  settings: Settings,
  values: Values,
  issued: IssuedVersions,
  signal: AbortSignal,
): Promise<Draft> {
  const showing = {
    ...settings,
    variables: settings.variables.filter((variable) => !isWithoutValue(variable, values)),
  }
  const rendered = render(showing, values)
  const found = await lookToBelieve(settings)
  signal.throwIfAborted()
  const now = archived(found)
  if (now === undefined || issued.isOurWrite?.(settings.target, now) !== true)
    await refuseDrift(showing, found, rendered, issued)
  signal.throwIfAborted()
  // What stands there for a secret without a value stays as it is.
  const next = settings.variables.flatMap(
    ({ name }): readonly (readonly [string, Uint8Array])[] => {
      const value = rendered.get(name)
      const bytes = value === undefined ? found.get(name)?.bytes : bytesOf(settings, value)
      return bytes === undefined ? [] : [[name, bytes]]
    },
  )
  return draftAll(settings, found, new Map(next))
}

function bytesOf({ newline }: Settings, value: string): Uint8Array {
  return Buffer.from(newline ? `${value}\n` : value, "latin1")
}

/** A value counts as known with or without the line end that an editor leaves. */
async function refuseDrift(
  settings: Settings,
  found: Found,
  rendered: ReadonlyMap<string, string>,
  issued: IssuedVersions,
): Promise<void> {
  for (const variable of settings.variables) {
    const one = { ...settings, variables: [variable] }
    const drift = await findDrift(
      one,
      heldIn(found, (text) => text),
      rendered,
      issued,
    )
    if (
      drift === undefined ||
      (await findDrift(one, heldIn(found, chomp), rendered, issued)) === undefined
    )
      continue
    throw driftError(settings, drift, "empty or remove that file")
  }
}

function heldIn(found: Found, as: (text: string) => string): ReadonlyMap<string, Held> {
  return new Map([...found].map(([name, { text }]) => [name, { value: as(text) }]))
}

function chomp(text: string): string {
  return text.replace(/\r?\n$/, "")
}

/** One draft for all files; undefined: that file goes. */
async function draftAll(
  settings: Settings,
  found: Found,
  next: ReadonlyMap<string, Uint8Array | undefined>,
): Promise<Draft> {
  const writes = [...next.values()].some((bytes) => bytes !== undefined)
  const place = writes ? await makeFolder(settings.target, settings.files) : undefined
  const drafts: { readonly name: string; readonly draft: Draft }[] = []
  const discard = async (): Promise<void> => {
    for (const { draft } of drafts) await draft.discard()
    await place?.discard()
  }
  try {
    for (const [name, bytes] of next) {
      const own = { target: join(settings.target, name), files: settings.files }
      const present = found.get(name)
      drafts.push({
        name,
        draft:
          bytes === undefined
            ? removalOf(own, present, [name])
            : await draftOf(own, { present, bytes, changes: [name] }),
      })
    }
  } catch (error) {
    await discard()
    throw error
  }
  const changed = drafts.filter(({ draft }) => draft.changed)
  const after = archivedWith(found, next)
  const removes = after.length === 0
  if (changed.length === 0 && place?.mends !== true) return { ...unchanged(after), removes }
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

function archivedWith(found: Found, next: ReadonlyMap<string, Uint8Array | undefined>): Uint8Array {
  const files = new Map([...found].map(([name, { bytes }]) => [name, bytes]))
  for (const [name, bytes] of next) {
    if (bytes === undefined) files.delete(name)
    else files.set(name, bytes)
  }
  return files.size === 0 ? new Uint8Array() : archiveOf(files)
}

function differs(before: Uint8Array | undefined, after: Uint8Array | undefined): boolean {
  return before === undefined || after === undefined
    ? before !== after
    : !Buffer.from(before).equals(after)
}

async function compare(
  settings: Settings,
  values: Values,
): Promise<"same" | "differs" | "missing"> {
  const rendered = render(
    {
      ...settings,
      variables: settings.variables.filter((variable) => !isWithoutValue(variable, values)),
    },
    values,
  )
  let found: Found
  try {
    found = await readFolder(settings)
  } catch (error) {
    if (error instanceof AppError) return "differs"
    throw error
  }
  const states = [...rendered].map(([name, value]) => {
    const present = found.get(name)
    if (present === undefined || (present.bytes.length === 0 && value !== "")) return "missing"
    return differs(present.bytes, bytesOf(settings, value)) ? "differs" : "same"
  })
  return states.includes("differs") ? "differs" : states.includes("missing") ? "missing" : "same"
}
