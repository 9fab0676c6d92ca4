import { join } from "node:path"
import { AppError } from "../../../base/error.ts"
import type { Draft, IssuedVersions, Output, Values } from "../../../core/ports.ts"
import { tidyFile } from "../file/draft.ts"
import { adoptFrom } from "../variables/adopt.ts"
import { driftError, findDrift } from "../variables/drift.ts"
import { type Held, isWithoutValue, render, showsOf, worstOf } from "../variables/variable.ts"
import { filesIn } from "./archive.ts"
import { differs, draftAll } from "./draft.ts"
import { others } from "./others.ts"
import { archived, chomp, type Found, readFolder, readToBelieve, type Settings } from "./read.ts"

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
    restore: (before, signal) => restore(settings, before, signal),
    compare: (values) => compare(settings, values),
    others: () => others(settings),
    prune: (names, isOurs, signal) => prune(settings, names, isOurs, signal),
    remove: (secrets, issued, signal) => remove(settings, secrets, issued, signal),
    adopt: async (secrets) =>
      adoptFrom(settings, heldIn(await readToBelieve(settings), chomp), secrets),
    tidy: async () => {
      for (const { name } of settings.variables) await tidyFile(join(target, name))
    },
  }
}

async function prepare(
  settings: Settings,
  values: Values,
  issued: IssuedVersions,
  signal: AbortSignal,
): Promise<Draft> {
  const showing = withValues(settings, values)
  const rendered = render(showing, values)
  const found = await readToBelieve(settings)
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

/** What stands there for a secret without a value is left as it is. */
function withValues(settings: Settings, values: Values): Settings {
  return {
    ...settings,
    variables: settings.variables.filter((variable) => !isWithoutValue(variable, values)),
  }
}

async function restore(
  settings: Settings,
  before: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Draft> {
  const found = await (before === undefined ? readFolder(settings) : readToBelieve(settings))
  signal.throwIfAborted()
  const former = before === undefined ? new Map<string, Uint8Array>() : filesIn(before)
  const next = settings.variables.map(({ name }) => [name, former.get(name)] as const)
  return draftAll(settings, found, new Map(next))
}

async function prune(
  settings: Settings,
  names: readonly string[],
  isOurs: (value: string) => boolean,
  signal: AbortSignal,
): Promise<Draft> {
  const own = new Set(settings.variables.map(({ name }) => name))
  const variables = names
    .filter((name) => !own.has(name))
    .map((name) => ({ name, template: "", secrets: [] }))
  const found = await readFolder({ ...settings, variables })
  signal.throwIfAborted()
  const going = [...found].filter(([, { text }]) =>
    isOurs(Buffer.from(chomp(text), "latin1").toString()),
  )
  return draftAll(settings, found, removing(going.map(([name]) => name)))
}

async function remove(
  settings: Settings,
  secrets: readonly string[],
  issued: IssuedVersions,
  signal: AbortSignal,
): Promise<Draft> {
  const found = await readToBelieve(settings)
  signal.throwIfAborted()
  const going = settings.variables.filter((variable) =>
    variable.secrets.some((name) => secrets.includes(name)),
  )
  await refuseDrift({ ...settings, variables: going }, found, new Map(), issued)
  return draftAll(settings, found, removing(going.map(({ name }) => name)))
}

function removing(names: readonly string[]): ReadonlyMap<string, undefined> {
  return new Map(names.map((name) => [name, undefined]))
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

async function compare(
  settings: Settings,
  values: Values,
): Promise<"same" | "differs" | "missing"> {
  const rendered = render(withValues(settings, values), values)
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
  return worstOf(states)
}
