import { z } from "zod"
import {
  type Shape,
  bitsOf,
  formats,
  isWhole,
  lengthFor,
  lengthOf,
  sayBits,
} from "../../base/text/value-shape.ts"

/** Options of every driver that makes a text: how its values look, and how strong they must be. */

const leastBits = 128
/** What all readers of `.env` files take unquoted, wherever it stands in a value. */
const carried = /^[A-Za-z0-9%+,\-./:?@_]*$/

const fewest = 10

function isDistinct(text: string): boolean {
  return new Set(text).size === text.length
}

export type Limits = { readonly least: number; readonly most: number }

/** `least` and `most`: characters of a value, without its prefix. */
export function valueKeys(limits: Limits) {
  const { format, alphabet, prefix, weak } = textKeys
  return { format, ...sizeKeys(limits), alphabet, prefix, weak }
}

/** What a value is made of. */
const textKeys = {
  format: z
    .enum(formats, { error: `say ${formats.slice(0, -1).join(", ")} or ${formats.at(-1)}` })
    .optional()
    .meta({
      description: "What a value is: a password, or random bytes as hex, base64url or a UUID",
      default: "password",
      examples: ["hex"],
    }),
  alphabet: z
    .string({ error: "give the characters as a text, in quotes" })
    .regex(carried, {
      error:
        "letters, digits and % + , - . / : ? @ _ alone: what every reader of .env files takes unquoted",
    })
    .refine(isDistinct, { error: "each character stands once" })
    .refine((text) => text.length >= fewest, { error: `${fewest} characters at least` })
    .optional()
    .meta({
      description:
        "The characters that a password is made of, each once; else letters, digits and - . _",
      examples: ["abcdefghjkmnpqrstuvwxyz23456789"],
    }),
  prefix: z
    .string({ error: "give a text" })
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, {
      error: "letters, digits, - . and _, at most 32, the first no special",
    })
    .optional()
    .meta({ description: "A text that each value begins with", examples: ["shop_"] }),
  weak: z
    .boolean({ error: "say true or false" })
    .optional()
    .meta({
      description: "Allows values of fewer than 128 bits",
      default: false,
      examples: [true],
    }),
}

/** How long a value is, or how strong. */
function sizeKeys({ least, most }: Limits) {
  return {
    length: z
      .int({ error: `give a number of characters from ${least} to ${most}` })
      .min(least, { error: `${least} characters at least` })
      .max(most, { error: `${most} characters at most` })
      .optional()
      .meta({
        description:
          "The length of a value without its prefix; else 32 for a password, 64 for hex, 43 for base64url",
        unit: "characters",
        examples: [48],
      }),
    bits: z
      .number({ error: "give a number of bits, such as 256" })
      .min(1, { error: "give a number of bits, such as 256" })
      .max(4096, { error: "4096 bits at most" })
      .optional()
      .meta({
        description: "Instead of length: how strong a value is at least. Below 128 weak is needed",
        unit: "bits",
        examples: [256],
      }),
  }
}

export type ValueOptions = Shape & {
  readonly bits?: number | undefined
  readonly weak?: boolean | undefined
}

/** What the keys say together; to be given to each driver's own checks. */
export function valueProblems(options: ValueOptions, limits: Limits): readonly Problem[] {
  if (!areSound(options, limits)) return []
  const problem = contradiction(options, limits) ?? weakness(options, limits)
  return problem === undefined ? [] : [problem]
}

type Problem = { readonly path: string; readonly message: string }

/** Each key by itself is right; what is wrong with one alone has been said. */
function areSound({ length, alphabet }: ValueOptions, { least, most }: Limits): boolean {
  if (length !== undefined && (length < least || length > most)) return false
  return (
    alphabet === undefined ||
    (carried.test(alphabet) && isDistinct(alphabet) && alphabet.length >= fewest)
  )
}

function contradiction(options: ValueOptions, { least, most }: Limits): Problem | undefined {
  const { format = "password", length, bits, alphabet } = options
  if (alphabet !== undefined && format !== "password")
    return {
      path: "alphabet",
      message: `an alphabet is for passwords: the characters of ${format} are given`,
    }
  if (format === "uuid" && (length !== undefined || bits !== undefined))
    return {
      path: length === undefined ? "bits" : "length",
      message: "a UUID has 36 characters and 122 bits, always: leave it out",
    }
  if (length !== undefined && bits !== undefined)
    return { path: "bits", message: "length and bits contradict each other: leave one out" }
  if (length !== undefined && !isWhole(format, length))
    return {
      path: "length",
      message:
        format === "hex"
          ? "bytes are two hex digits each: give an even number"
          : "base64url never has this many characters: give one more",
    }
  if (bits !== undefined && lengthFor(options, bits, least, most) === undefined)
    return { path: "bits", message: `no value of up to ${most} characters has that many bits` }
  return undefined
}

/** A value that could be guessed, unless the config allows it. */
function weakness(options: ValueOptions, { least, most }: Limits): Problem | undefined {
  const { format, bits, weak } = options
  if (bits !== undefined && bits < leastBits && weak !== true)
    return {
      path: "bits",
      message: `fewer than ${leastBits} bits can be guessed: ask for ${leastBits} or more, or say weak: true`,
    }
  const shape = shapeOf(options, { least, most })
  if (bitsOf(shape) >= leastBits || weak === true) return undefined
  const enough = lengthFor(options, leastBits, least, most)
  const remedy = format === "uuid" ? "say format: hex" : `give it ${enough ?? most} characters`
  return {
    path: format === "uuid" ? "format" : "length",
    message: `these values have ${sayBits(shape)}, fewer than ${leastBits}: ${remedy}, or say weak: true`,
  }
}

/** The shape that these options ask for. */
export function shapeOf(options: ValueOptions, { least, most }: Limits): Shape {
  const { format, alphabet, prefix, bits } = options
  const length = bits === undefined ? lengthOf(options) : lengthFor(options, bits, least, most)
  return { format, alphabet, prefix, length }
}
