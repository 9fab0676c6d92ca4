import type { ReferenceReach } from "../../core/define.ts"
import type { EntryInspection } from "../../core/entry.ts"
import type { Finding, Reference } from "../../core/ports.ts"
import type { Secret } from "../../core/secret.ts"
import { references } from "./options.ts"
import { readFrom, typeOf } from "./read.ts"

/** The value that a reference points to, read anew at each call, without its final line end. */
export function readReference(reference: Reference, reach: ReferenceReach): Promise<Secret> {
  return readFrom(references, reference, reach)
}

/** What is wrong with a reference though it can be read; for `check`, which asks no service. */
export async function findingsOf(
  reference: Reference,
  { folder }: Pick<ReferenceReach, "folder">,
): Promise<readonly Finding[]> {
  const type = typeOf(references, reference)
  return (await type?.findings?.(type.options().parse(reference), folder)) ?? []
}

/**
 * As whom a manager knows us that holds this credential, and what is wrong there; undefined where none
 * holds it.
 */
export function inspectReference(
  reference: Reference,
  reach: ReferenceReach,
  signal: AbortSignal,
): Promise<EntryInspection> | undefined {
  const type = typeOf(references, reference)
  return type?.inspect?.(type.options().parse(reference), reach, signal)
}

/** Does a manager hold it? */
export function isManaged(reference: Reference): boolean {
  return typeOf(references, reference)?.inspect !== undefined
}

/** Absolute: the file that holds the credential, where one does. */
export function fileOf(reference: Reference, folder: string): string | undefined {
  const type = typeOf(references, reference)
  return type?.file?.(type.options().parse(reference), folder)
}

/** Where the credential is, for people: "the variable X". */
export function placeOf(reference: Reference, folder: string): string {
  const type = typeOf(references, reference)
  return type?.place(type.options().parse(reference), folder) ?? "a reference of an unknown kind"
}

/** The variable of our environment that holds the credential, where one does. */
export function variableOf(reference: Reference): string | undefined {
  const type = typeOf(references, reference)
  return type?.variable?.(type.options().parse(reference))
}

export { ReferenceOptions, references } from "./options.ts"
