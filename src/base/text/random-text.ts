import { AppError } from "../error.ts"

/**
 * Letters, digits and `- . _`: what every reader of `.env` files takes unquoted (RFC 3986
 * unreserved without `~`).
 */
const lower = "abcdefghijklmnopqrstuvwxyz"
const upper = lower.toUpperCase()
const digits = "0123456789"
const special = "-._"
export const portableAlphabet = lower + upper + digits + special

/** Bytes of the generator, asked for 64 at a time. */
class Bytes {
  readonly #random: (count: number) => Uint8Array
  #held = new Uint8Array()
  #next = 0
  constructor(random: (count: number) => Uint8Array) {
    this.#random = random
  }

  /**
   * Puts into `codes`, from `from` to `to`, characters that the bytes choose. In one loop over its own
   * variables and typed arrays, for each start makes a hundred values before the runtime has compiled
   * anything: to call for each byte takes a millisecond more.
   */
  fill(codes: Uint8Array, { from, to }: Places, choices: Choices): void {
    let [held, next] = [this.#held, this.#next]
    // A sound generator is refused here at most once in four times: that many refusals in a row are
    // none (below 2^-400).
    for (let at = from, refused = 0; at < to; ) {
      if (next >= held.length) {
        held = new Uint8Array(this.#random(64))
        next = 0
      }
      const byte = held[next++]
      if (byte === undefined || refused === 200) throw broken()
      const code = choices[byte] ?? 0
      if (code === 0) refused++
      else {
        codes[at++] = code
        refused = 0
      }
    }
    this.#held = held
    this.#next = next
  }
}

type Places = { readonly from: number; readonly to: number }

/**
 * The character that each byte chooses, as a code. Unbiased by rejection: 0 for a byte beyond the
 * last full multiple of the alphabet.
 */
type Choices = Uint8Array

const known = new Map<string, Choices>()

/** Made once for each alphabet. */
function choicesOf(alphabet: string): Choices {
  const found = known.get(alphabet)
  if (found !== undefined) return found
  const choices = new Uint8Array(256)
  const limit = 256 - (256 % alphabet.length)
  for (let byte = 0; byte < limit; byte++)
    choices[byte] = alphabet.charCodeAt(byte % alphabet.length)
  known.set(alphabet, choices)
  return choices
}

function broken(): AppError {
  return new AppError("random-broken", "the random generator of this machine repeats itself", {
    hint: "no value can be made here: run mycelium check, and look at the machine's entropy source",
  })
}

/**
 * The smallest number of different characters that a value of this length must hold: 20 of 32, in
 * proportion below.
 */
export function leastDifferent(length: number): number {
  return Math.min(20, Math.floor((length * 5) / 8))
}

/** Which of the four classes a character of ASCII is in, as a bit; 0: in none. */
const classOf = new Uint8Array(128)
for (const [at, one] of [lower, upper, digits, special].entries())
  for (const char of one) classOf[char.charCodeAt(0)] = 1 << at

/**
 * True if `text` is made of ASCII, has lower, upper, digit and special, and enough different
 * characters.
 */
export function isStrongText(text: string): boolean {
  const seen = new Uint8Array(128)
  let classes = 0
  let different = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 127) return false
    if (seen[code] === 1) continue
    seen[code] = 1
    different++
    classes |= classOf[code] ?? 0
  }
  return classes === 0b1111 && different >= leastDifferent(text.length)
}

/**
 * Of an alphabet: what stands first (a letter), last (no special), and the classes that it has, as
 * far as it has them.
 */
export function partsOf(alphabet: string): Parts {
  return alphabet === portableAlphabet ? portableParts : divide(alphabet)
}

type Parts = { readonly first: string; readonly last: string; readonly classes: readonly string[] }
const portableParts: Parts = {
  first: lower + upper,
  last: lower + upper + digits,
  classes: [lower, upper, digits, special],
}

function divide(alphabet: string): Parts {
  const classes = [/[a-z]/g, /[A-Z]/g, /[0-9]/g, /[^A-Za-z0-9]/g].map((one) =>
    (alphabet.match(one) ?? []).join(""),
  )
  const [small = "", large = "", numbers = ""] = classes
  return {
    first: small + large || alphabet,
    last: small + large + numbers || alphabet,
    classes: classes.filter((one) => one !== ""),
  }
}

/**
 * A password of `length` characters: first a letter, last alphanumeric, all four classes, uniform
 * among all such texts (a draft that lacks something is thrown away whole). 32 characters are 191.9
 * bits. Of another alphabet: the same, as far as it has letters and classes.
 */
export function randomText(
  length: number,
  random: (count: number) => Uint8Array,
  alphabet = portableAlphabet,
): string {
  const { first, last, classes } = partsOf(alphabet)
  const isWhole = (text: string): boolean =>
    alphabet === portableAlphabet
      ? isStrongText(text)
      : classes.every((one) => [...one].some((char) => text.includes(char)))
  if (!Number.isInteger(length) || length < 8)
    throw new AppError("length-too-short", `a value of ${length} characters is too short`)
  const bytes = new Bytes(random)
  const [atFirst, between, atLast] = [choicesOf(first), choicesOf(alphabet), choicesOf(last)]
  // A sound generator needs two drafts at most in practice (2^-40: about 30; of the oddest alphabet
  // 600); a stuck one must end, not hang.
  for (let draft = 0; draft < 1000; draft++) {
    const codes = Buffer.alloc(length)
    bytes.fill(codes, { from: 0, to: 1 }, atFirst)
    bytes.fill(codes, { from: 1, to: length - 1 }, between)
    bytes.fill(codes, { from: length - 1, to: length }, atLast)
    const text = codes.toString("latin1")
    if (isWhole(text)) return text
  }
  throw broken()
}
