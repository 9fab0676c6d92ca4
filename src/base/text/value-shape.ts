import { AppError } from "../error.ts"
import { partsOf, portableAlphabet, randomText } from "./random-text.ts"

export const formats = ["password", "hex", "base64url", "uuid"] as const
export type Format = (typeof formats)[number]

/**
 * How a value is made. All left out: a password of 32 characters that every reader of `.env` files
 * takes unquoted.
 */
export type Shape = {
  readonly format?: Format | undefined
  /** Characters, without the prefix. */
  readonly length?: number | undefined
  /** Of a password: its characters, each once. */
  readonly alphabet?: string | undefined
  /** Stands before each value; adds nothing to its strength. */
  readonly prefix?: string | undefined
}

const defaultLength: Readonly<Record<Format, number>> = {
  password: 32,
  hex: 64,
  base64url: 43,
  uuid: 36,
}

/** Characters of a value, without the prefix. */
export function lengthOf({ format = "password", length }: Shape): number {
  return format === "uuid" ? defaultLength.uuid : (length ?? defaultLength[format])
}

/** Can there be a text of this length, whose bytes are whole? */
export function isWhole(format: Format, length: number): boolean {
  if (format === "hex") return length % 2 === 0
  return format !== "base64url" || length % 4 !== 1
}

/** A new value, uniform among all of its shape. */
export function makeValue(shape: Shape, random: (count: number) => Uint8Array): string {
  return (shape.prefix ?? "") + makeBody(shape, random)
}

function makeBody(shape: Shape, random: (count: number) => Uint8Array): string {
  const length = lengthOf(shape)
  if (shape.format === "hex") return Buffer.from(exactly(length / 2, random)).toString("hex")
  if (shape.format === "base64url")
    return Buffer.from(exactly(Math.floor((length * 3) / 4), random)).toString("base64url")
  if (shape.format === "uuid") return uuidOf(exactly(16, random))
  return randomText(length, random, shape.alphabet)
}

function exactly(count: number, random: (count: number) => Uint8Array): Uint8Array {
  const bytes = random(count)
  if (bytes.length !== count || bytes.every((byte) => byte === bytes[0]))
    throw new AppError(
      "random-broken",
      "the random generator of this machine gives nothing that can be used",
      { hint: "no value can be made here: run mycelium check" },
    )
  return bytes
}

/** RFC 9562, version 4. */
function uuidOf(bytes: Uint8Array): string {
  const marked = Buffer.from(bytes)
  marked.writeUInt8((marked.readUInt8(6) & 0x0f) | 0x40, 6)
  marked.writeUInt8((marked.readUInt8(8) & 0x3f) | 0x80, 8)
  return marked.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}

/**
 * Bits of a value: log2 of how many there are of its shape, all equally likely. That some
 * characters of a portable password must differ costs under 0.002 bits, and is left out.
 */
export function bitsOf(shape: Shape): number {
  const length = lengthOf(shape)
  if (shape.format === "hex") return length * 4
  if (shape.format === "base64url") return Math.floor((length * 3) / 4) * 8
  if (shape.format === "uuid") return 122
  return bitsOfText(length, shape.alphabet ?? portableAlphabet)
}

const knownBits = new Map<string, number>()

/** Counted once for each shape: a config of thousands of secrets asks for each of them. */
function bitsOfText(length: number, alphabet: string): number {
  const key = `${length} ${alphabet}`
  const bits = knownBits.get(key) ?? countBits(length, alphabet)
  knownBits.set(key, bits)
  return bits
}

/** By inclusion and exclusion over missing classes. */
function countBits(length: number, alphabet: string): number {
  const { first, last, classes } = partsOf(alphabet)
  // A class stands in the first place, and in the last, as a whole or not at all.
  const within = (place: string, one: string): number =>
    place.includes(one.charAt(0)) ? one.length : 0
  const sizes = classes.map((one) => ({
    all: one.length,
    first: within(first, one),
    last: within(last, one),
  }))
  let share = 0
  for (let missing = 0; missing < 1 << classes.length; missing++) {
    let [all, begins, ends, sign] = [alphabet.length, first.length, last.length, 1]
    for (const [index, size] of sizes.entries()) {
      if ((missing & (1 << index)) === 0) continue
      all -= size.all
      begins -= size.first
      ends -= size.last
      sign = -sign
    }
    share +=
      sign *
      (begins / first.length) *
      (ends / last.length) *
      (all / alphabet.length) ** (length - 2)
  }
  return (
    Math.log2(first.length) +
    Math.log2(last.length) +
    (length - 2) * Math.log2(alphabet.length) +
    Math.log2(share)
  )
}

/**
 * The smallest length from `least` on at which a value has this many bits; undefined if none up to
 * `most` has.
 */
export function lengthFor(
  shape: Shape,
  bits: number,
  least: number,
  most: number,
): number | undefined {
  for (let length = least; length <= most; length++) {
    if (isWhole(shape.format ?? "password", length) && bitsOf({ ...shape, length }) >= bits)
      return length
  }
  return undefined
}

/** "191.9 bits", rounded down. */
export function sayBits(shape: Shape): string {
  return `${roundedBits(shape).toFixed(1)} bits`
}

export function roundedBits(shape: Shape): number {
  return Math.floor(bitsOf(shape) * 10) / 10
}

/** "32 characters", "a prefix and 64 hex digits". */
export function sayShape(shape: Shape): string {
  const length = lengthOf(shape)
  const body = {
    password: `${length} characters`,
    hex: `${length} hex digits`,
    base64url: `${length} characters of base64url`,
    uuid: "a UUID",
  }[shape.format ?? "password"]
  return shape.prefix === undefined ? body : `a prefix and ${body}`
}
