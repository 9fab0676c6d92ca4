import { AppError } from "../../base/error.ts"

/** One field of a text that is a JSON object. `id` names where it is; an error never quotes it. */
export function fieldIn(text: string, field: string, id: string): string {
  const held = parsed(text, id)
  const value = Object.hasOwn(held, field) ? held[field] : undefined
  if (value === undefined)
    throw new AppError("reference-missing", `${id} has no field ${field}`, {
      hint: "it holds a credential that the config asks for: correct field, or write it there",
    })
  if (typeof value !== "string")
    throw new AppError("reference-not-text", `the field ${field} of ${id} is no text`, {
      hint: "a credential is a text: write it in quotes, or correct field",
    })
  return value
}

/** A parser's own error would quote it. */
function parsed(text: string, id: string): Readonly<Record<string, unknown>> {
  try {
    const held: unknown = JSON.parse(text)
    if (typeof held === "object" && held !== null && !Array.isArray(held)) return { ...held }
  } catch {
    // said below
  }
  throw new AppError("reference-not-text", `${id} is no JSON object, so it has no fields`, {
    hint: "leave out field if the secret's whole text is the credential",
  })
}
