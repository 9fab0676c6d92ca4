import { AppError } from "../../base/error.ts"
import type { ReferenceReach, ReferenceType } from "../../core/define.ts"
import type { Reference } from "../../core/ports.ts"
import { Secret } from "../../core/secret.ts"

type Types = readonly ReferenceType[]

/** A map with one key, which is the name of a kind. */
export function isOneOf(types: Types, input: unknown): input is Reference {
  return typeof input === "object" && input !== null && typeOf(types, input) !== undefined
}

export function typeOf(types: Types, reference: object): ReferenceType | undefined {
  const [key, ...more] = Object.keys(reference)
  return more.length > 0 ? undefined : types.find(({ type }) => type === key)
}

export async function readFrom(
  types: Types,
  reference: Reference,
  reach: ReferenceReach,
): Promise<Secret> {
  const type = typeOf(types, reference)
  if (type === undefined)
    throw new AppError("reference-unknown", "this mycelium knows no such kind of reference")
  const options = type.options().parse(reference)
  const text = await type.read(options, reach)
  const value = text.replace(/\r?\n$/, "")
  const place = type.place(options, reach.folder)
  if (value === "")
    throw new AppError("reference-empty", `${place} holds no credential: it is empty`)
  if (value.includes("\0"))
    throw new AppError("reference-not-text", `${place} holds no credential: it is not text`)
  return new Secret(reach.label ?? place, value)
}
