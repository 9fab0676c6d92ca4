import { z } from "zod"
import { parseDuration } from "../base/text/duration.ts"
import { once } from "../core/once.ts"

/** What a key of the config may hold, as far as no plug-in says it. */

// A schema is used a few times and the program ends: compiling it first costs more than it saves.
z.config({ jitless: true })

const days = 86_400_000
const longestMs = 36_525 * days

const text = "expected a string"
export const Text = once(() =>
  z
    .string({
      error: ({ input }) =>
        typeof input === "number" || typeof input === "boolean"
          ? `${text}: put it in quotes`
          : text,
    })
    .min(1, "must not be empty"),
)
export const Texts = once(() => z.array(Text(), "expected a list: [ … ]"))

const duration = "expected a duration such as 90d, 12h or 1h30m"
const withUnit = "durations are strings with a unit: 90d"

/** Milliseconds. */
export const Duration = once(() =>
  z
    .string({ error: ({ input }) => (typeof input === "number" ? withUnit : duration) })
    .meta({
      title: "duration",
      pattern: "^([0-9]+(ms|[smhdw]))+$",
      examples: ["12h", "10m", "60s"],
    })
    .transform((input, context) => {
      const ms = parseDuration(input)
      if (ms !== undefined && ms <= longestMs) return ms
      context.issues.push({ code: "custom", input, message: wrongDuration(input) })
      return z.NEVER
    }),
)

/** Milliseconds, or null for never. */
export const Age = once(() =>
  z
    .string({
      error: ({ input }) => (typeof input === "number" ? withUnit : `${duration}, or never`),
    })
    .meta({
      title: "duration, or never",
      pattern: "^(never|([0-9]+(ms|[smhdw]))+)$",
      examples: ["90d", "7d", "never"],
    })
    .transform((input, context) => {
      if (input === "never") return null
      const ms = parseDuration(input)
      if (ms !== undefined && ms <= longestMs) return ms
      const message = wrongDuration(input)
      context.issues.push({
        code: "custom",
        input,
        message: message === duration ? `${message}, or never` : message,
      })
      return z.NEVER
    }),
)

const instant = "expected a day or an instant: 2026-11-01, or 2026-11-01T09:30Z"
const oldestYear = 1990

/** An ISO instant; a day is its beginning in UTC. */
export const Instant = once(() =>
  z
    .string(instant)
    .meta({ title: "day or instant", pattern: "^\\d{4}-\\d\\d-\\d\\d", examples: ["2026-11-01"] })
    .transform((input, context) => {
      const at = new Date(/^\d{4}-\d\d-\d\d/.test(input) ? input : Number.NaN)
      if (!Number.isNaN(at.getTime()) && at.getUTCFullYear() >= oldestYear) return at.toISOString()
      context.issues.push({
        code: "custom",
        input,
        message: Number.isNaN(at.getTime()) ? instant : `lies before ${oldestYear}`,
      })
      return z.NEVER
    }),
)

function wrongDuration(input: string): string {
  if (/^\d+$/.test(input)) return withUnit
  return parseDuration(input) === undefined ? duration : "is longer than a hundred years"
}

const name = "names are letters, digits, - and _, at most 63, and not digits alone"
const namePattern = /^(?!\d+$)[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/
const Name = () => z.string().regex(namePattern, name)

/**
 * What names may be. `takes` says the same as the schema, which knows the words for one that it
 * refuses: a thousand names are judged at each start, and nearly all are right.
 */
export type Names = { schema(): z.ZodType; takes(name: string): boolean }

/**
 * Of an environment or a deployment; part of a path, so nothing that a file system takes otherwise.
 */
export const names: Names = { schema: Name, takes: (word) => namePattern.test(word) }

const project = "expected lower-case letters, digits, - and _, at most 63"
export const Project = once(() =>
  z
    .string({
      error: ({ input }) => (typeof input === "number" ? `${text}: put it in quotes` : project),
    })
    .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, project),
)

/** Words that a template takes for something else. */
const taken = new Set([
  "true",
  "false",
  "nil",
  "null",
  "empty",
  "blank",
  "and",
  "or",
  "not",
  "contains",
  "forloop",
  "tablerowloop",
  "block",
  "size",
  "first",
  "last",
])

const isTaken = (word: string): boolean => taken.has(word) || word in {}

const secretPattern = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/
const SecretName = () =>
  z
    .string()
    .regex(
      secretPattern,
      "names of secrets are letters, digits and _, at most 63: templates use them as variables",
    )
    .refine((word) => !isTaken(word), "this name means something else in templates: choose another")

/** Of a secret: a variable in templates. */
export const secretNames: Names = {
  schema: SecretName,
  takes: (word) => secretPattern.test(word) && !isTaken(word),
}

export const Recipient = once(() =>
  z.string().superRefine((input, context) => {
    if (/^age1[0-9a-z]+$/.test(input)) return
    const isPrivate = input.toUpperCase().startsWith("AGE-SECRET-KEY")
    context.addIssue(
      isPrivate
        ? "this is a private key: write its recipient (age1…), and make a new key if this file " +
            "was ever shared"
        : "expected an age recipient: age1…",
    )
  }),
)

export const Store = once(() =>
  Text().refine((path) => !path.startsWith("~"), "write the path out: `~` is not followed"),
)
