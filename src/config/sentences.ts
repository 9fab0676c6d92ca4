import type { core } from "zod"
import { nearest } from "./nearest.ts"
import { isPlainWord } from "./problems.ts"

/** What zod finds, in plain words. A wrong value is never repeated, because it may be a password. */

/** Begins each sentence of this file, to tell it from a message that a schema brings along. */
export const mark = "\u0001"

/** For `safeParse(value, { error })`: a schema's own message goes first. */
export function sentenceFor(issue: core.$ZodRawIssue): string {
  return mark + words(issue)
}

function words(issue: core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return wrongType(issue.expected, issue.input, issue.path?.at(-1))
    case "invalid_value":
      return oneOf(issue.values.map(String), issue.input)
    case "too_small":
      return tooSmall(issue.origin, Number(issue.minimum))
    case "too_big":
      return tooBig(issue.origin, Number(issue.maximum))
    case "unrecognized_keys":
      return JSON.stringify(knownKeys(issue.inst))
    case "invalid_format":
      return issue.format === "url" ? "expected a URL" : "has not the expected form"
    case "not_multiple_of":
      return `expected a multiple of ${issue.divisor}`
    default:
      return "is not allowed here"
  }
}

const expectations: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list: [ … ]",
  tuple: "a list: [ … ]",
  object: "a map of keys",
  record: "a map of keys",
  null: "nothing",
}

function wrongType(expected: string, input: unknown, key: PropertyKey | undefined): string {
  if (expected === "string" && key === "mode" && typeof input === "number")
    return 'modes are strings: "0600", in quotes'
  const wanted = `expected ${expectations[expected] ?? "something else"}`
  if (input === null) return `${wanted}, found nothing`
  const bare = typeof input === "number" || typeof input === "boolean"
  return expected === "string" && bare ? `${wanted}: put it in quotes` : wanted
}

/** The listed words come from the schema; the value only decides which is suggested. */
export function oneOf(words: readonly string[], input: unknown): string {
  const near = typeof input === "string" ? nearest(input, words) : undefined
  const list = words.length === 1 ? `expected ${words[0]}` : `expected one of ${words.join(", ")}`
  return near === undefined || words.length === 1 ? list : `${list}; did you mean \`${near}\`?`
}

function tooSmall(origin: string, least: number): string {
  if (origin === "number" || origin === "int") return `must be at least ${least}`
  if (least <= 1) return "must not be empty"
  return `must have at least ${least} ${origin === "string" ? "characters" : "entries"}`
}

function tooBig(origin: string, most: number): string {
  if (origin === "number" || origin === "int") return `must be at most ${most}`
  return `must have at most ${most} ${origin === "string" ? "characters" : "entries"}`
}

function knownKeys(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null || !("shape" in schema)) return []
  return typeof schema.shape === "object" && schema.shape !== null ? Object.keys(schema.shape) : []
}

export type Unknown = {
  readonly at: "key"
  readonly unknown: true
  readonly message: string
  readonly hint?: string
  readonly meant?: string
}

/**
 * An unknown key is repeated only if it is a key beyond doubt: `{ hunter2 }` is a password in
 * the wrong brackets.
 */
export function unknownKey(key: string, value: unknown, known: readonly string[]): Unknown {
  const fault = { at: "key", unknown: true } as const
  const near = nearest(key, known)
  if (near !== undefined && isPlainWord(key))
    return { ...fault, message: `unknown key \`${key}\`; did you mean \`${near}\`?`, meant: near }
  if (key === "password" && known.includes("rotate_every"))
    return {
      ...fault,
      message: "unknown key `password`: the config holds no value",
      hint: "mycelium adopt reads it from the output that shows it; --ask and --from give it by hand",
    }
  const message = isPlainWord(key) && value !== null ? `unknown key \`${key}\`` : "unknown key"
  return {
    ...fault,
    message,
    ...(known.length === 0 ? {} : { hint: `known here: ${[...new Set(known)].sort().join(", ")}` }),
  }
}
