import { z } from "zod"
import { parseDuration } from "../base/duration.ts"
import { ReferenceOptions } from "../plugins/references/index.ts"

/** The keys that are ours, whatever plug-ins exist: what each may hold. The loader and the JSON Schema read them from here. */

const days = 86_400_000
const longestMs = 36_525 * days

const text = "expected a string"
const Text = z.string({ error: ({ input }) => (typeof input === "number" || typeof input === "boolean" ? `${text}: put it in quotes` : text) }).min(1, "must not be empty")
const Texts = z.array(Text, "expected a list: [ … ]")

const duration = "expected a duration such as 90d, 12h or 1h30m"
const withUnit = "durations are strings with a unit: 90d"

/** Milliseconds. */
export const Duration = z
  .string({ error: ({ input }) => (typeof input === "number" ? withUnit : duration) })
  .transform((input, context) => {
    const ms = parseDuration(input)
    if (ms !== undefined && ms <= longestMs) return ms
    context.issues.push({ code: "custom", input, message: wrongDuration(input) })
    return z.NEVER
  })
  .meta({ examples: ["12h", "10m", "60s"] })

/** Milliseconds, or null for never. */
export const Age = z
  .string({ error: ({ input }) => (typeof input === "number" ? withUnit : `${duration}, or never`) })
  .transform((input, context) => {
    if (input === "never") return null
    const ms = parseDuration(input)
    if (ms !== undefined && ms <= longestMs) return ms
    const says = wrongDuration(input)
    context.issues.push({ code: "custom", input, message: says === duration ? `${says}, or never` : says })
    return z.NEVER
  })
  .meta({ examples: ["90d", "7d", "never"] })

function wrongDuration(input: string): string {
  if (/^\d+$/.test(input)) return withUnit
  return parseDuration(input) === undefined ? duration : "is longer than a hundred years"
}

const name = "names are letters, digits, - and _, at most 63, and not digits alone"
/** Of an environment or a deployment; part of a path, so nothing that a file system takes otherwise. */
export const Name = z.string().regex(/^(?!\d+$)[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, name)

const project = "expected lower-case letters, digits, - and _, at most 63"
const Project = z.string({ error: ({ input }) => (typeof input === "number" ? `${text}: put it in quotes` : project) }).regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, project)

/** Words that a template takes for something else. */
const taken = new Set(["true", "false", "nil", "null", "empty", "blank", "and", "or", "not", "contains", "forloop", "tablerowloop", "block", "size", "first", "last"])

/** Of a secret: a variable in templates. */
export const SecretName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "names of secrets are letters, digits and _, at most 63: templates use them as variables")
  .refine((word) => !taken.has(word) && !(word in {}), "this name means something else in templates: choose another")

const Recipient = z.string().superRefine((input, context) => {
  if (/^age1[0-9a-z]+$/.test(input)) return
  const isPrivate = input.toUpperCase().startsWith("AGE-SECRET-KEY")
  context.addIssue(isPrivate ? "this is a private key: write its recipient (age1…), and make a new key if this file was ever shared" : "expected an age recipient: age1…")
})

const Store = Text.refine((path) => !path.startsWith("~"), "write the path out: `~` is not followed")

export const topKeys = {
  project: Project,
  store: Store,
  schedule: Text,
  timezone: Text,
  recipients: z.array(Recipient, "expected a list: [age1…]"),
  identity: ReferenceOptions,
  rotate_every: Age,
}

export const environmentKeys = { schedule: Text, timezone: Text, rotate_every: Age, grace: Duration }

export const secretKeys = { driver: Text, rotate_every: Age, grace: Duration, end_sessions: z.boolean(), tags: Texts }

export const deploymentKeys = { reads: Texts, timeout: Duration }

export const healthKeys = { within: Duration }

export const defaults = { graceMs: 600_000, withinMs: 60_000, timeoutMs: 120_000, timezone: "UTC" } as const
