import { formsOf } from "./forms.ts"
import type { Secret } from "./secret.ts"

/**
 * Every way in which a value shows up in texts of others, the whole base64 first: what stands
 * inside another text is a part of it.
 */
function shapes(value: string): readonly string[] {
  const bytes = Buffer.from(value)
  return [
    value,
    bytes.toString("base64"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    ...formsOf(value).map(([, text]) => text),
  ]
}

/**
 * The text with each of these values replaced by its label. Values of under four characters are let
 * be: they stand everywhere.
 */
export function redact(text: string, secrets: Iterable<Secret>): string {
  let clean = text
  for (const secret of secrets) {
    const value = secret.reveal()
    if (value.length < 4) continue
    for (const shape of shapes(value)) clean = clean.replaceAll(shape, String(secret))
  }
  return clean
}
