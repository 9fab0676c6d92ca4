import type { Secret } from "./secret.ts"

/** Every way in which a value shows up in texts of others: raw, URL-encoded, base64 (both kinds), escaped as in JSON. */
function shapes(value: string): readonly string[] {
  const base64 = Buffer.from(value).toString("base64")
  return [value, encodeURIComponent(value), base64, base64.replace(/=+$/, ""), Buffer.from(value).toString("base64url"), JSON.stringify(value).slice(1, -1)]
}

/** The text with each of these values replaced by its label. Values of under four characters are let be: they stand everywhere. */
export function redact(text: string, secrets: Iterable<Secret>): string {
  let clean = text
  for (const secret of secrets) {
    const value = secret.reveal()
    if (value.length < 4) continue
    for (const shape of shapes(value)) clean = clean.replaceAll(shape, String(secret))
  }
  return clean
}
