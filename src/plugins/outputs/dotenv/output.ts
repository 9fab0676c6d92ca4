import { AppError } from "../../../base/error.ts"
import type { Draft, IssuedVersions, Output, Values } from "../../../core/ports.ts"
import {
  draftOf,
  readToBelieve,
  readToRestore,
  readToWrite,
  removalOf,
  tidyFile,
} from "../file/draft.ts"
import { type Present, readPresent } from "../file/present.ts"
import { adoptFrom } from "../variables/adopt.ts"
import { driftError, findDrift } from "../variables/drift.ts"
import {
  type Held,
  type Rendered,
  isWithoutValue,
  render,
  renderBeside,
  showsOf,
  worstOf,
} from "../variables/variable.ts"
import { addedTo } from "../whole/loss.ts"
import { foreign, isOurs, refuseForeign } from "./foreign.ts"
import { mergeInto, wholeFile } from "./merge.ts"
import { entriesOf, managedEntries } from "./present.ts"
import { changedKeys, refuseMisread } from "./read-back.ts"
import { others, prune, remove } from "./remove.ts"
import type { Settings } from "./settings.ts"

export function openOutput(settings: Settings): Output {
  const { target } = settings
  return {
    target,
    shows: showsOf(settings),
    whole: !settings.merge,
    apart: true,
    read: async () => (await readPresent(target))?.bytes,
    prepare: (values, issued, signal, options) =>
      prepare(settings, values, issued, { signal, trial: options?.trial === true }),
    restore: (before, signal) => restore(settings, before, signal),
    compare: (values) => compare(settings, values),
    variables: async (values) =>
      Object.fromEntries(
        [...render(settings, values)].map(([name, value]) => [
          name,
          Buffer.from(value, "latin1").toString(),
        ]),
      ),
    ...(settings.merge
      ? {
          others: () => others(settings),
          prune: (names, isOurs, signal) => prune(settings, names, isOurs, signal),
        }
      : {}),
    remove: (secrets, issued, signal) => remove(settings, secrets, issued, signal),
    adopt: async (secrets) => {
      const present = await readToBelieve(settings)
      return present === undefined
        ? {}
        : adoptFrom(settings, managedEntries(settings, present.text), secrets)
    },
    tidy: () => tidyFile(target),
  }
}

/**
 * Of a merged file the lines whose secret has no value yet are left as they are: an incident of
 * the others does not wait for it.
 */
function withValues(settings: Settings, values: Values): Settings {
  if (!settings.merge) return settings
  return {
    ...settings,
    variables: settings.variables.filter((variable) => !isWithoutValue(variable, values)),
  }
}

async function prepare(
  all: Settings,
  values: Values,
  issued: IssuedVersions,
  { signal, trial }: { readonly signal: AbortSignal; readonly trial: boolean },
): Promise<Draft> {
  const settings = withValues(all, values)
  const present = await readToWrite(settings)
  const rendered = renderBeside(
    settings,
    values,
    present === undefined ? new Map() : managedEntries(settings, present.text),
  )
  signal.throwIfAborted()
  if (present !== undefined) await refuseLoss(settings, present, rendered, issued)
  signal.throwIfAborted()
  const before = present?.text ?? ""
  const next = settings.merge
    ? mergeInto(settings, before, rendered)
    : wholeFile(settings, rendered)
  refuseMisread(settings, before, next, rendered)
  const draft = await draftOf(settings, {
    present,
    bytes: Buffer.from(next, "latin1"),
    changes: changedKeys(settings, before, next),
    trial,
  })
  return settings.merge
    ? {
        ...draft,
        keeps: linesOfOthers(settings, before),
        ...(present === undefined ? { anew: true as const } : {}),
      }
    : draft
}

/** Lines that hold something, and none of our values. */
function linesOfOthers(settings: Settings, text: string): number {
  const ours = [...managedEntries(settings, text).values()].flatMap(({ start, end }) =>
    text.slice(text.lastIndexOf("\n", start - 1) + 1, end).split("\n"),
  )
  return (
    text.split("\n").filter((line) => line.trim() !== "").length -
    ours.filter((line) => line.trim() !== "").length
  )
}

/** Nothing that only this file holds may go. */
async function refuseLoss(
  settings: Settings,
  present: Present,
  rendered: Rendered,
  issued: IssuedVersions,
): Promise<void> {
  const ours = settings.merge || isOurs(settings, present)
  if (!ours) refuseForeign(settings, present)
  const drift = await findDrift(settings, managedEntries(settings, present.text), rendered, issued)
  const isEdited =
    !settings.merge && ours && issued.isOurWrite?.(settings.target, present.bytes) !== true
  const added = isEdited
    ? entriesOf(settings, present.text).find(({ key }) => !rendered.has(key))
    : undefined
  if (drift === undefined && added !== undefined) throw addedTo(settings.target, added.key)
  if (drift === undefined) return
  throw ours
    ? driftError(settings, drift, `empty it (${drift.name}=)`)
    : foreign(
        settings,
        `it was not written by mycelium, and of ${drift.name}, ${drift.message}`,
        "adopt it, or name another file",
      )
}

async function restore(
  settings: Settings,
  before: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Draft> {
  const present = await readToRestore(settings, before)
  signal.throwIfAborted()
  const changes = changedKeys(
    settings,
    present?.text ?? "",
    before === undefined ? "" : Buffer.from(before).toString("latin1"),
  )
  return before === undefined
    ? removalOf(settings, present, changes)
    : draftOf(settings, { present, bytes: before, changes, restores: true })
}

/** `held`: what stands there; undefined where nothing does. */
function stateOf(held: Held | undefined, value: string): "same" | "differs" | "missing" {
  if (held?.value === value) return "same"
  return held === undefined || held.value === "" ? "missing" : "differs"
}

/** Only values count: not the header, not how they are written. */
async function compare(all: Settings, values: Values): Promise<"same" | "differs" | "missing"> {
  const settings = withValues(all, values)
  const present = await readPresent(settings.target)
  if (present === undefined) return "missing"
  try {
    const entries = managedEntries(settings, present.text)
    const rendered = renderBeside(settings, values, entries)
    const states = [...rendered].map(([name, value]) => stateOf(entries.get(name), value))
    const hasOthers =
      !settings.merge && entriesOf(settings, present.text).some(({ key }) => !rendered.has(key))
    const worst = worstOf(states)
    return worst === "same" && hasOthers ? "differs" : worst
  } catch (error) {
    if (error instanceof AppError) return "differs"
    throw error
  }
}
