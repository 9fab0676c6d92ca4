import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type { Draft, IssuedVersions, Output, Values } from "../../../core/ports.ts"
import {
  draftOf,
  readToBelieve,
  readToRestore,
  readToWrite,
  removalOf,
  tidyFile,
} from "../file/draft.ts"
import { readPresent } from "../file/present.ts"
import { adoptFrom } from "../variables/adopt.ts"
import { driftError, findDrift } from "../variables/drift.ts"
import { type Held, type Rendered, renderBeside, showsOf } from "../variables/variable.ts"
import { type Whole, contentsOf, isBlank } from "./form.ts"
import { isOurs, refuseLoss, refuseMisread } from "./loss.ts"

/** A file that is ours as a whole. */
export function openWhole(whole: Whole): Output {
  const { target } = whole
  return {
    target,
    shows: showsOf(whole),
    whole: true,
    // One text is made of all of them.
    ...(whole.variables.every(({ name }) => name !== "") ? { apart: true } : {}),
    ...present({ mustTake: whole.mustTake }),
    read: async () => (await readPresent(target))?.bytes,
    prepare: (values, issued, signal) => prepare(whole, values, issued, signal),
    restore: (before, signal) => restore(whole, before, signal),
    compare: (values) => compare(whole, values),
    remove: (secrets, issued, signal) => remove(whole, secrets, issued, signal),
    adopt: async (secrets) => {
      const present = await readToBelieve(whole)
      return present === undefined || isBlank(present.text)
        ? {}
        : adoptFrom(whole, contentsOf(whole, present.text).entries, secrets)
    },
    tidy: () => tidyFile(target),
  }
}

async function prepare(
  whole: Whole,
  values: Values,
  issued: IssuedVersions,
  signal: AbortSignal,
): Promise<Draft> {
  whole.mustTake?.(values)
  const present = await readToWrite(whole)
  const rendered = renderBeside(whole, values, entriesIn(whole, present?.text))
  signal.throwIfAborted()
  const next = whole.form.write(rendered, whole.header)
  refuseMisread(whole, next, rendered)
  if (present !== undefined && present.text !== next)
    await refuseLoss(whole, present, rendered, issued)
  signal.throwIfAborted()
  return draftOf(whole, {
    present,
    bytes: Buffer.from(next, "latin1"),
    changes: changes(held(whole, present?.text), rendered),
  })
}

async function restore(
  whole: Whole,
  before: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Draft> {
  const present = await readToRestore(whole, before)
  signal.throwIfAborted()
  const former = held(
    whole,
    before === undefined ? undefined : Buffer.from(before).toString("latin1"),
  )
  const changed = changes(held(whole, present?.text), former)
  return before === undefined
    ? removalOf(whole, present, changed)
    : draftOf(whole, { present, bytes: before, changes: changed, restores: true })
}

async function compare(whole: Whole, values: Values): Promise<"same" | "differs" | "missing"> {
  const present = await readPresent(whole.target)
  if (present === undefined || isBlank(present.text)) return "missing"
  const rendered = renderBeside(whole, values, entriesIn(whole, present.text))
  const now = held(whole, present.text)
  if (
    now.size === 0 ||
    [...now].some(
      ([name, value]) => !rendered.has(name) || (value !== "" && value !== rendered.get(name)),
    )
  )
    return "differs"
  return [...rendered.keys()].some(
    (name) => (now.get(name) ?? "") === "" && rendered.get(name) !== "",
  )
    ? "missing"
    : "same"
}

/** Without the values that show one of these secrets; no file where nothing is left. */
async function remove(
  whole: Whole,
  secrets: readonly string[],
  issued: IssuedVersions,
  signal: AbortSignal,
): Promise<Draft> {
  const present = await readToWrite(whole)
  signal.throwIfAborted()
  if (present === undefined) return removalOf(whole, undefined, [])
  const going = whole.variables.filter((variable) =>
    variable.secrets.some((name) => secrets.includes(name)),
  )
  const { entries, more } = isBlank(present.text)
    ? { entries: new Map<string, Held>(), more: false }
    : contentsOf(whole, present.text)
  if (issued.isOurWrite?.(whole.target, present.bytes) !== true) {
    const drift = await findDrift({ ...whole, variables: going }, entries, new Map(), issued)
    if (drift !== undefined) throw driftError(whole, drift, whole.form.emptied(drift.name))
  }
  const staying = [...entries].filter(([name]) => !going.some((variable) => variable.name === name))
  const gone = [...entries.keys()].filter((name) =>
    going.some((variable) => variable.name === name),
  )
  if (staying.length === 0) return removalOf(whole, present, gone.map(said))
  if (gone.length === 0) return draftOf(whole, { present, bytes: present.bytes, changes: [] })
  const unclear = staying.find(([, { value }]) => value === undefined)
  if (unclear !== undefined || (more && !isOurs(whole, present))) {
    throw new AppError(
      "output-foreign",
      `${whole.target}: ${gone.map(said).join(", ")} cannot be taken out without losing what else is there`,
      { hint: "take it out by hand, then say the same again" },
    )
  }
  const rest: Rendered = new Map(staying.map(([name, { value }]) => [name, value ?? ""]))
  const next = whole.form.write(rest, isOurs(whole, present) ? whole.header : undefined)
  refuseMisread(whole, next, rest)
  return draftOf(whole, { present, bytes: Buffer.from(next, "latin1"), changes: gone.map(said) })
}

/**
 * What stands there for each; nothing where its reader refuses the text, which is told by anyone who
 * may not lose it.
 */
function entriesIn(whole: Whole, text: string | undefined): ReadonlyMap<string, Held> {
  return new Map([...held(whole, text)].map(([name, value]) => [name, { value }]))
}

type HeldValues = ReadonlyMap<string, string | undefined>

/** By name; those of a text that its reader refuses count as absent. */
function held(whole: Whole, text: string | undefined): HeldValues {
  if (text === undefined || isBlank(text)) return new Map()
  try {
    return new Map([...contentsOf(whole, text).entries].map(([name, { value }]) => [name, value]))
  } catch (error) {
    if (error instanceof AppError) return new Map()
    throw error
  }
}

function changes(before: HeldValues, after: HeldValues): readonly string[] {
  return [...new Set([...after.keys(), ...before.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map(said)
}

function said(name: string): string {
  return name === "" ? "contents" : name
}
