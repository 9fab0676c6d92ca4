import { AppError } from "./error.ts"

/** Letters, digits and `- . _`: what every reader of `.env` files takes unquoted (RFC 3986 unreserved without `~`). */
const lower = "abcdefghijklmnopqrstuvwxyz"
const upper = lower.toUpperCase()
const digits = "0123456789"
const special = "-._"
const inside = lower + upper + digits + special
const letters = lower + upper
const ends = letters + digits

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

/**
 * A password of `length` characters: first a letter, last alphanumeric, all four classes, uniform among all such texts
 * (a draft that lacks something is thrown away whole). 32 characters are 191.9 bits.
 */
export function randomText(length: number, random: (count: number) => Uint8Array): string {
  if (!Number.isInteger(length) || length < 8) throw new AppError("length-too-short", `a value of ${length} characters is too short`)
  const bytes = choices(random)
  // A sound generator needs two drafts at most in practice (2^-40: about 30); a stuck one must end, not hang.
  for (let draft = 0; draft < 1000; draft++) {
    let text = pick(letters, bytes)
    while (text.length < length - 1) text += pick(inside, bytes)
    text += pick(ends, bytes)
    if (isStrongText(text)) return text
  }
  throw broken()
}
