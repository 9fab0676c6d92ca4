/**
 * Templates in the forms that are parsed here: literals, and `{{ secret.field }}`, alone or through
 * one filter.
 */

/** `field` may be one of the version that lives beside it: "previous.user". */
export type Reference = { readonly secret: string; readonly field: string }

export type Named = Reference & { readonly encoding: Encoding | undefined }
export type Part = string | Named

/**
 * Filters that can be undone: how each writes a value, and what value it was written from
 * (undefined: none).
 */
export const encodings = {
  url_encode: {
    write: (value: string) => encodeURIComponent(value).replaceAll("%20", "+"),
    read: fromUrl,
  },
  json: { write: (value: string) => JSON.stringify(value), read: fromJson },
  base64_encode: {
    write: (value: string) => Buffer.from(value).toString("base64"),
    read: fromBase64,
  },
} as const
type Encoding = keyof typeof encodings

const plainReference =
  /\{\{\s*([A-Za-z_](?:[\w-]*\w)?)\.((?:previous\.)?[A-Za-z_](?:[\w-]*\w)?)\s*(?:\|\s*(url_encode|json|base64_encode)\s*)?\}\}/g

/** Literals and references; undefined where the template has anything else. */
export function parsePlain(text: string): readonly Part[] | undefined {
  const parts: Part[] = []
  let at = 0
  for (const match of text.matchAll(plainReference)) {
    const [whole, secret = "", field = "", encoding] = match
    parts.push(text.slice(at, match.index), {
      secret,
      field,
      encoding: isEncoding(encoding) ? encoding : undefined,
    })
    at = match.index + whole.length
  }
  parts.push(text.slice(at))
  return parts.some((part) => typeof part === "string" && /\{[{%]/.test(part))
    ? undefined
    : parts.filter((part) => part !== "")
}

function isEncoding(word: string | undefined): word is Encoding {
  return word !== undefined && Object.hasOwn(encodings, word)
}

export function references(parts: readonly Part[]): readonly Reference[] {
  return parts.flatMap((part) =>
    typeof part === "string" ? [] : [{ secret: part.secret, field: part.field }],
  )
}

export function distinct(named: readonly Reference[]): readonly Reference[] {
  return [...new Map(named.map((one) => [`${one.secret}.${one.field}`, one])).values()]
}

/**
 * The inverse of url_encode; forgiving about which characters were encoded that need not be, and
 * about the hex digits' case.
 */
function fromUrl(text: string): string | undefined {
  if (!/^[\w\-.!~*'()+%]*$/.test(text)) return undefined
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    return undefined
  }
}

function fromJson(text: string): string | undefined {
  if (!text.startsWith('"')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "string" && value.isWellFormed() ? value : undefined
  } catch {
    return undefined
  }
}

function fromBase64(text: string): string | undefined {
  const bytes = Buffer.from(text, "base64")
  const value = bytes.toString()
  return bytes.toString("base64") === text && Buffer.from(value).equals(bytes) ? value : undefined
}
