import { AppError } from "./error.ts"

/** Letters, digits and `- . _`: what every reader of `.env` files takes unquoted (RFC 3986 unreserved without `~`). */
const lower = "abcdefghijklmnopqrstuvwxyz"
const upper = lower.toUpperCase()
const digits = "0123456789"
const special = "-._"
export const portableAlphabet = lower + upper + digits + special

/** Unbiased choice by rejection: a byte beyond the last full multiple of the alphabet is thrown away. */
function* choices(random: (count: number) => Uint8Array): Generator<number, never> {
  for (;;) yield* random(64)
}

function pick(alphabet: string, bytes: Generator<number, never>): string {
  const limit = 256 - (256 % alphabet.length)
  // A sound generator is refused here at most once in four times: so many refusals in a row are none (below 2^-400).
  for (let tries = 0; tries < 200; tries++) {
    const byte = bytes.next().value
    if (byte < limit) return alphabet.charAt(byte % alphabet.length)
  }
  throw broken()
}

function broken(): AppError {
  return new AppError("random-broken", "the random generator of this machine repeats itself", {
    hint: "no value can be made here: run mycelium check, and look at the machine's entropy source",
  })
}

/** The smallest number of different characters that a value of this length must hold: 20 of 32, in proportion below. */
export function leastDifferent(length: number): number {
  return Math.min(20, Math.floor((length * 5) / 8))
}

/** True if `text` has lower, upper, digit and special, and enough different characters. */
export function isStrongText(text: string): boolean {
  return (
    [/[a-z]/, /[A-Z]/, /[0-9]/, /[-._]/].every((one) => one.test(text)) &&
    new Set(text).size >= leastDifferent(text.length)
  )
}

/** Of an alphabet: what stands first (a letter), last (no special), and the classes that it has, as far as it has them. */
export function partsOf(alphabet: string): { readonly first: string; readonly last: string; readonly classes: readonly string[] } {
  const classes = [/[a-z]/g, /[A-Z]/g, /[0-9]/g, /[^A-Za-z0-9]/g].map((one) => (alphabet.match(one) ?? []).join(""))
  const [lower = "", upper = "", digits = ""] = classes
  return { first: lower + upper || alphabet, last: lower + upper + digits || alphabet, classes: classes.filter((one) => one !== "") }
}

/**
 * A password of `length` characters: first a letter, last alphanumeric, all four classes, uniform among all such texts
 * (a draft that lacks something is thrown away whole). 32 characters are 191.9 bits. Of another alphabet: the same, as far
 * as it has letters and classes.
 */
export function randomText(length: number, random: (count: number) => Uint8Array, alphabet = portableAlphabet): string {
  const { first, last, classes } = partsOf(alphabet)
  const isWhole = (text: string): boolean => (alphabet === portableAlphabet ? isStrongText(text) : classes.every((one) => [...one].some((char) => text.includes(char))))
  if (!Number.isInteger(length) || length < 8) throw new AppError("length-too-short", `a value of ${length} characters is too short`)
  const bytes = choices(random)
  // A sound generator needs two drafts at most in practice (2^-40: about 30; of the oddest alphabet 600); a stuck one must end, not hang.
  for (let draft = 0; draft < 1000; draft++) {
    let text = pick(first, bytes)
    while (text.length < length - 1) text += pick(alphabet, bytes)
    text += pick(last, bytes)
    if (isWhole(text)) return text
  }
  throw broken()
}
