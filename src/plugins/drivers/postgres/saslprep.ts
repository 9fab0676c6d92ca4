import { leftToRight, rightToLeft, unassigned } from "./saslprep-tables.ts"

/**
 * SASLprep (RFC 4013) as PostgreSQL does it (src/common/saslprep.c): a password that it forbids is
 * used as it is, byte for byte. Our own values are ASCII and pass unchanged; only an adopted
 * password can be anything else.
 */
export function prepare(password: string): string {
  if (/^\p{ASCII}*$/u.test(password)) return password
  const mapped = password.replace(space, " ").replace(nothing, "")
  // The RFC forbids characters in what NFKC makes; PostgreSQL looks at what it was given. We follow
  // the server.
  const isForbidden =
    mapped === "" || forbidden.test(mapped) || has(mapped, unassigned) || isMixed(mapped)
  return isForbidden ? password : mapped.normalize("NFKC")
}

/** RFC 3454, C.1.2: other spaces; they come before B.1, which holds U+200B, too. */
const space = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
/** B.1: mapped to nothing. */
const nothing = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu
/** C.1.2 to C.9: spaces, controls, private use, no characters, surrogates, tags and the like. */
const forbidden = new RegExp(
  [
    /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/u,
    /[\p{Cc}\u06dd\u070f\u180e\u2028\u2029\u2060-\u2063\u206a-\u206f\ufeff\ufff9-\ufffd\u{1d173}-\u{1d17a}]/u,
    /[\p{Co}\p{NChar}\p{Cs}\u2ff0-\u2ffb\u200c-\u200f\u202a-\u202e\u{e0001}\u{e0020}-\u{e007f}]|\u0340|\u0341/u,
  ]
    .map((one) => one.source)
    .join("|"),
  "u",
)

/**
 * RFC 3454, 6: where a right-to-left character is, no left-to-right one may be, and it must begin
 * and end so.
 */
function isMixed(text: string): boolean {
  const characters = [...text]
  if (!has(text, rightToLeft)) return false
  return (
    has(text, leftToRight) ||
    !has(characters[0] ?? "", rightToLeft) ||
    !has(characters.at(-1) ?? "", rightToLeft)
  )
}

function has(text: string, table: string): boolean {
  const found = ranges(table)
  return [...text].some((character) => {
    const code = character.codePointAt(0) ?? 0
    return found.some(([first, last]) => code >= first && code <= last)
  })
}

function ranges(table: string): readonly (readonly [first: number, last: number])[] {
  let end = 0
  return table.split(" ").map((word) => {
    const [gap = "", length = "0"] = word.split(".")
    const first = end + Number.parseInt(gap, 36)
    end = first + Number.parseInt(length, 36)
    return [first, end] as const
  })
}
