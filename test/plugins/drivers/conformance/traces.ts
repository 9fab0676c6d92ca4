import type { Credential } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"

/**
 * The ways in which a value of these versions shows up in a text: raw, URL-encoded, base64 at any
 * alignment, hexadecimal, as in JSON. Empty where none does.
 */
export function traces(said: string, versions: readonly Credential[]): readonly string[] {
  const values = versions
    .flatMap(({ fields }) => Object.entries(fields))
    .filter(([, value]) => value instanceof Secret)
  return values.flatMap(([field, value]) =>
    shapes(String(value instanceof Secret ? value.reveal() : ""))
      .filter(({ shape }) => said.includes(shape))
      .map(({ name }) => `${field}, ${name}`),
  )
}

function shapes(value: string): readonly { readonly name: string; readonly shape: string }[] {
  const bytes = Buffer.from(value)
  return [
    { name: "raw", shape: value },
    { name: "URL-encoded", shape: encodeURIComponent(value) },
    { name: "as a form", shape: new URLSearchParams([["", value]]).toString().slice(1) },
    { name: "as in JSON", shape: JSON.stringify(value).slice(1, -1) },
    { name: "hexadecimal", shape: bytes.toString("hex") },
    ...[0, 1, 2].map((before) => ({ name: "base64", shape: aligned(bytes, before) })),
    { name: "base64url", shape: bytes.toString("base64url") },
  ]
}

/** The part of its base64 that is the same whatever stands around it, `before` bytes off. */
function aligned(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString("base64")
    .replace(/=+$/, "")
  return text.slice(before === 0 ? 0 : before + 1, -2)
}
