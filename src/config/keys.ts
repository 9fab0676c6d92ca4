import { z } from "zod"
import { parseDuration } from "../base/duration.ts"
import { ReferenceOptions } from "../plugins/references/index.ts"
import { policyNames } from "./policy.ts"

/** The keys that are ours, whatever plug-ins exist: what each may hold. The loader and the JSON Schema read them from here. */

// A schema is used a few times and the program ends: compiling it first costs more than it saves.
z.config({ jitless: true })

const days = 86_400_000
const longestMs = 36_525 * days

const text = "expected a string"
const Text = z
  .string({
    error: ({ input }) =>
      typeof input === "number" || typeof input === "boolean" ? `${text}: put it in quotes` : text,
  })
  .min(1, "must not be empty")
const Texts = z.array(Text, "expected a list: [ … ]")

const duration = "expected a duration such as 90d, 12h or 1h30m"
const withUnit = "durations are strings with a unit: 90d"

/** Milliseconds. */
export const Duration = z
  .string({ error: ({ input }) => (typeof input === "number" ? withUnit : duration) })
  .meta({ pattern: "^([0-9]+(ms|[smhdw]))+$", examples: ["12h", "10m", "60s"] })
  .transform((input, context) => {
    const ms = parseDuration(input)
    if (ms !== undefined && ms <= longestMs) return ms
    context.issues.push({ code: "custom", input, message: wrongDuration(input) })
    return z.NEVER
  })

/** Milliseconds, or null for never. */
export const Age = z
  .string({
    error: ({ input }) => (typeof input === "number" ? withUnit : `${duration}, or never`),
  })
  .meta({ pattern: "^(never|([0-9]+(ms|[smhdw]))+)$", examples: ["90d", "7d", "never"] })
  .transform((input, context) => {
    if (input === "never") return null
    const ms = parseDuration(input)
    if (ms !== undefined && ms <= longestMs) return ms
    const says = wrongDuration(input)
    context.issues.push({
      code: "custom",
      input,
      message: says === duration ? `${says}, or never` : says,
    })
    return z.NEVER
  })

const instant = "expected a day or an instant: 2026-11-01, or 2026-11-01T09:30Z"
const oldestYear = 1990

/** An ISO instant; a day is its beginning in UTC. */
const Instant = z
  .string(instant)
  .meta({ pattern: "^\\d{4}-\\d\\d-\\d\\d", examples: ["2026-11-01"] })
  .transform((input, context) => {
    const at = new Date(/^\d{4}-\d\d-\d\d/.test(input) ? input : Number.NaN)
    if (!Number.isNaN(at.getTime()) && at.getUTCFullYear() >= oldestYear) return at.toISOString()
    context.issues.push({
      code: "custom",
      input,
      message: Number.isNaN(at.getTime()) ? instant : `lies before ${oldestYear}`,
    })
    return z.NEVER
  })

function wrongDuration(input: string): string {
  if (/^\d+$/.test(input)) return withUnit
  return parseDuration(input) === undefined ? duration : "is longer than a hundred years"
}

const name = "names are letters, digits, - and _, at most 63, and not digits alone"
/** Of an environment or a deployment; part of a path, so nothing that a file system takes otherwise. */
export const Name = z.string().regex(/^(?!\d+$)[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, name)

const project = "expected lower-case letters, digits, - and _, at most 63"
const Project = z
  .string({
    error: ({ input }) => (typeof input === "number" ? `${text}: put it in quotes` : project),
  })
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, project)

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

/** Of a secret: a variable in templates. */
export const SecretName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]{0,62}$/,
    "names of secrets are letters, digits and _, at most 63: templates use them as variables",
  )
  .refine(
    (word) => !taken.has(word) && !(word in {}),
    "this name means something else in templates: choose another",
  )

const Recipient = z.string().superRefine((input, context) => {
  if (/^age1[0-9a-z]+$/.test(input)) return
  const isPrivate = input.toUpperCase().startsWith("AGE-SECRET-KEY")
  context.addIssue(
    isPrivate
      ? "this is a private key: write its recipient (age1…), and make a new key if this file was ever shared"
      : "expected an age recipient: age1…",
  )
})

const Store = Text.refine(
  (path) => !path.startsWith("~"),
  "write the path out: `~` is not followed",
)

const schedule = Text.describe("When due secrets may change: minute, hour, day, month, weekday")
const timezone = Text.describe("The zone of the schedule, UTC if left out: Europe/Berlin")
const age = Age.describe("The greatest age that a value may reach, or never")
const shortestWatchMs = 10_000
const watch = Age.refine(
  (ms) => ms === null || ms >= shortestWatchMs,
  "a login every few seconds locks out: at least 10s",
).describe(
  "How often the service logs in with each current value, to see that nobody else has changed it; 1h if left out, or never",
)
const grace = Duration.describe("How long the previous value lives on, where two can live")

const policy = z
  .enum(["none", ...policyNames], `expected ${policyNames.join(", ")} or none`)
  .describe(
    "Rules from outside that the config is held to: pci-dss lets no secret get older than 90 days; none overrides",
  )

export const topKeys = {
  project: Project.describe("A name for all of this; part of the state's path"),
  store: Store.describe("The folder of the state; the XDG state folder if left out"),
  schedule,
  timezone,
  recipients: z
    .array(Recipient, "expected a list: [age1…]")
    .describe("Who besides this machine can open values: a key kept offline"),
  identity: ReferenceOptions.describe(
    "This machine's age identity, where it is not in its usual file",
  ),
  per_server: z
    .int("expected a whole number")
    .min(1, "at least 1")
    .max(1000, "at most 1000")
    .describe("Secrets of one server that are worked on at once, 8 if left out"),
  rotate_every: age,
  watch,
  policy,
}

export const environmentKeys = { schedule, timezone, rotate_every: age, grace, watch, policy }

export const secretKeys = {
  driver: Text,
  rotate_every: age,
  grace,
  end_sessions: z.boolean().describe("End sessions that were opened with the previous value"),
  rotated_at: Instant.describe(
    "When the value that is to be adopted was made; without it its age is unknown, and it is due at the next tick",
  ),
  tags: Texts.describe("Words to select secrets by"),
  policy: z
    .literal("none", "expected none: a policy is named at the environment or at the top")
    .describe("none: an exception from the policy, which reports list"),
}

export const deploymentKeys = {
  reads: Texts.describe("The files of outputs that it reads; all of the environment's if left out"),
  timeout: Duration.describe("How long its restart may take, 120s if left out"),
}

export const healthKeys = {
  within: Duration.describe("How soon after its restart it must be healthy, 60s if left out"),
}

export const defaults = {
  graceMs: 600_000,
  withinMs: 60_000,
  timeoutMs: 120_000,
  timezone: "UTC",
  perServer: 8,
} as const
