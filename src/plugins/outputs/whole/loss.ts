import { AppError } from "../../../base/error.ts"
import type { IssuedVersions } from "../../../core/ports.ts"
import { firstLine, headerStart } from "../file/header.ts"
import type { Present } from "../file/present.ts"
import { driftError, findDrift } from "../variables/drift.ts"
import { type Rendered, placeOf } from "../variables/variable.ts"
import { type Contents, type Whole, contentsOf, isBlank } from "./form.ts"

/**
 * Nothing that only this file holds may go: it is ours as we wrote it, or it holds nothing but
 * known values.
 */
export async function refuseLoss(
  whole: Whole,
  present: Present,
  rendered: Rendered,
  issued: IssuedVersions,
): Promise<void> {
  if (isBlank(present.text) || issued.isOurWrite?.(whole.target, present.bytes) === true) return
  const ours = isOurs(whole, present)
  const contents = readable(whole, present)
  if (!ours) refuseForeign(whole, present, contents)
  const drift = await findDrift(whole, contents.entries, rendered, issued)
  if (drift !== undefined) throw driftError(whole, drift, whole.form.emptied(drift.name))
  const added = [...contents.entries.keys()].find(
    (name) => !whole.variables.some((variable) => variable.name === name),
  )
  if (ours && added !== undefined) throw addedTo(whole.target, added)
}

/** What a person has put into a file that is written as a whole may stand nowhere else. */
export function addedTo(target: string, name: string): AppError {
  return new AppError(
    "output-foreign",
    `${target} is not overwritten: ${name} was added to it by hand, and the config does not have it`,
    {
      hint:
        `put ${name} into the config's variables, or take it out of the file (for a .env, ` +
        "merge: true keeps the lines of others)",
    },
  )
}

export function isOurs(whole: Whole, present: Present): boolean {
  return whole.header !== undefined && firstLine(present.text) === whole.header
}

function readable(whole: Whole, present: Present): Contents {
  try {
    return contentsOf(whole, present.text)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "output-unreadable") throw error
    throw foreign(whole, `it is not ${whole.readerName} as mycelium writes it`)
  }
}

function refuseForeign(whole: Whole, present: Present, { entries, more }: Contents): void {
  if (whole.header !== undefined && firstLine(present.text).startsWith(headerStart))
    throw foreign(whole, "it was written for another environment")
  const others = [...entries.keys()].find(
    (name) => !whole.variables.some((variable) => variable.name === name),
  )
  if (others !== undefined)
    throw foreign(whole, "it was not written by mycelium and holds other keys too")
  if (more) throw foreign(whole, "it was not written by mycelium and holds comments too")
}

function foreign(whole: Whole, message: string): AppError {
  return new AppError("output-foreign", `${whole.target} is not overwritten: ${message}`, {
    hint: "move it away, or name another file",
  })
}

/** Our own text, read as its reader would: each name holds what it shall, and no other is there. */
export function refuseMisread(whole: Whole, next: string, rendered: Rendered): void {
  let entries: Contents["entries"]
  try {
    ;({ entries } = contentsOf(whole, next))
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw misread(whole, "", "its reader could not read it at all")
  }
  for (const [name, value] of rendered) {
    if (!entries.has(name)) throw misread(whole, name, "it would be missing")
    if (entries.get(name)?.value !== value)
      throw misread(whole, name, "it would be read as another text")
  }
  for (const name of entries.keys())
    if (!rendered.has(name)) throw misread(whole, name, "it would be there too")
}

function misread(whole: Whole, name: string, message: string): AppError {
  return new AppError(
    "output-not-read-back",
    `${placeOf(whole, name)} would not be read as it was meant: ${message}; nothing was written`,
    { hint: "please report it, without any value" },
  )
}
