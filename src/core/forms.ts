/**
 * In which a value shows up in texts of others: as it is, URL-encoded, escaped as in JSON, base64
 * (both alphabets, wherever it stands in what was encoded), hex. By name; each once.
 */
export function formsOf(value: string): readonly (readonly [string, string])[] {
  const bytes = Buffer.from(value)
  const base64 = [0, 1, 2].map((before) => insideBase64(bytes, before))
  const all: (readonly [string, string])[] = [
    ["as it is", value],
    ["URL-encoded", encodeURIComponent(value)],
    ["JSON-escaped", JSON.stringify(value).slice(1, -1)],
    ...base64.map((text) => ["base64", text] as const),
    ...base64.map((text) => ["base64url", text.replaceAll("+", "-").replaceAll("/", "_")] as const),
    ["hex", bytes.toString("hex")],
    ["hex", bytes.toString("hex").toUpperCase()],
  ]
  return [
    ...new Map(all.toReversed().map(([name, text]) => [text, [name, text] as const])).values(),
  ]
    .reverse()
    .filter(([, text]) => text.length >= 4)
}

/** The characters that are the value's alone, by the number of bytes (modulo 3) before it. */
function insideBase64(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64")
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
}
