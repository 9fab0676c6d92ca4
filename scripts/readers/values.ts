import { createHash } from "node:crypto"
import { randomText } from "../../src/base/text/random-text.ts"

/**
 * Values that readers of `.env` files change, from a seed: the same seed gives the same values on
 * every machine.
 */
export type Random = {
  readonly bytes: (count: number) => Uint8Array
  readonly below: (limit: number) => number
}

export function seeded(seed: string): Random {
  let pool = Buffer.alloc(0)
  let counter = 0
  const bytes = (count: number): Uint8Array => {
    while (pool.length < count)
      pool = Buffer.concat([pool, createHash("sha256").update(`${seed}/${counter++}`).digest()])
    const taken = new Uint8Array(pool.subarray(0, count))
    pool = pool.subarray(count)
    return taken
  }
  return { bytes, below: (limit) => Buffer.from(bytes(6)).readUIntBE(0, 6) % limit }
}

const lower = "abcdefghijklmnopqrstuvwxyz"
const upper = lower.toUpperCase()
const digits = "0123456789"
const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
const printable = lower + upper + digits + punctuation

/**
 * 32 characters, one at least of each class, of all that is printable: what the Python program made
 * that this one follows.
 */
export function seedPassword(random: Random): string {
  const forced = [lower, upper, digits, punctuation].map((alphabet) => oneOf(random, [...alphabet]))
  const rest = Array.from({ length: 28 }, () => oneOf(random, [...printable]))
  return shuffled(random, [...forced, ...rest]).join("")
}

const soup = [
  "'",
  '"',
  "`",
  "\\",
  "$",
  "#",
  " ",
  "=",
  "\t",
  "{",
  "}",
  "(",
  ")",
  "a",
  "n",
  "r",
  "t",
  "~",
  ":",
  "!",
  "%",
  "é",
  "ß",
  "漢",
  "🔑",
  "\u00a0",
  "\u2028",
  "$a",
  "${a}",
  "$(id)",
  "`id`",
  "\\n",
  "\\r",
  "\\$",
  " #",
  "\\\\",
  "''",
  '""',
  "*",
  "?",
  "[a-z]",
  "export ",
  "=",
]
const breaks = ["\n", "\r\n", "\r", "\n\n", "\nB=no\n"]
const edges = [
  " ",
  "  x  ",
  "'",
  '"',
  "`",
  "\\",
  "$",
  "#",
  "=",
  "''",
  '""',
  "'a'",
  '"a"',
  "`a`",
  "'a",
  'a"',
  "a\\",
  "a\\\\",
  "$$",
  "$a",
  "${HOME}",
  "%s",
  "a #b",
  "a# b",
  "#a",
  "\ta\t",
  "null",
  "true",
  "0123",
  "-n",
  "~",
  "~/x",
  "a:~x",
  "!!",
  "{{ a.b }}",
  "<<END",
  "a<<b",
  "export A=b",
  "A=b",
  "é",
  "\u00a0",
  "\ufeff",
  "a\nb",
  "\n",
  "a\n",
  "\na",
  "a\r",
  "a\rb",
  "a\r\nb",
  "'\"`",
  "'a'b\"c\"",
  "\\'",
  '\\"',
  "\\`",
  "\\$",
  "\\n",
  "a\tb",
  "x".repeat(5000),
]

/** Values as nasty as people and generators make them. */
export function hardValue(random: Random): string {
  switch (random.below(6)) {
    case 0:
    case 1:
      return seedPassword(random)
    case 2:
      return pieces(random, soup)
    case 3:
      return pieces(random, [...soup, ...breaks])
    case 4:
      return pieces(random, [...printable, " ", ..."äöüßé漢字🔑ñ"])
    default:
      return oneOf(random, edges)
  }
}

/** What the product makes by itself, and what people put around it. */
export function plainValue(random: Random): string {
  const value = randomText(oneOf(random, [16, 32, 35, 64]), random.bytes)
  const whole = [
    value,
    value,
    `postgresql://shop:${value}@db.internal:5432/shop?sslmode=require`,
    `https://${value}@cache.internal/0`,
    `user@${value}`,
    value.slice(0, 1 + random.below(value.length)),
    String(random.below(1_000_000)),
  ]
  return oneOf(random, whole)
}

function pieces(random: Random, from: readonly string[]): string {
  return Array.from({ length: 1 + random.below(14) }, () => oneOf(random, from)).join("")
}

export function oneOf<One>(random: Random, from: readonly One[]): One {
  const found = from[random.below(from.length)]
  if (found === undefined) throw new Error("nothing to choose from")
  return found
}

function shuffled<One>(random: Random, from: readonly One[]): readonly One[] {
  const left = [...from]
  return from.flatMap(() => left.splice(random.below(left.length), 1))
}
