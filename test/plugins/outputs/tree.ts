import fc from "fast-check"
import type { Output } from "../../../src/core/ports.ts"

/** For json and yaml alike. */

/**
 * Texts that have hurt: quotes, line ends of all kinds, what looks like a number, a date, a yes;
 * and any text.
 */
export const texts = fc
  .oneof(
    fc.constantFrom(
      "12345",
      "1e3",
      "0x1F",
      "yes",
      "null",
      "~",
      "2026-01-01",
      "- a",
      "a: b",
      "a #b",
      '"',
      "'",
      "\\",
      "\n",
      "a\r\nb",
      "\u0085",
      "\u2028",
      "\ufeff",
      "\u0000",
      "\u007f",
      "{{",
      " a ",
      "é",
      "🔑",
      "*x",
      "&x",
      "!x",
      "%x",
      "@x",
      "`x",
    ),
    fc.string({ unit: "grapheme", minLength: 1 }),
    fc.string({ unit: "binary", minLength: 1 }),
  )
  .filter((text) => text.isWellFormed())
export const keys = fc
  .oneof(
    fc.constantFrom("a", "b", "a.b", "no", "on", "5", '"', "x y", "é", "constructor", "<<", "#"),
    fc.string({ minLength: 1, maxLength: 6 }),
  )
  .filter((key) => key !== "__proto__")

export type Opens = (
  folder: string,
  variables: unknown,
  more?: Readonly<Record<string, unknown>>,
) => Output
