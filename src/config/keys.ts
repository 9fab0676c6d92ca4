import { z } from "zod"
import { parseDuration } from "../base/text/duration.ts"
import { ReferenceOptions } from "../plugins/references/index.ts"
import { defaultSchedule } from "./defaults.ts"
import { lazily } from "./lazily.ts"
import { policyNames } from "./policy.ts"

/**
 * The keys that are ours, whatever plug-ins exist: what each may hold. The loader and the JSON
 * Schema read them from here.
 */

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
  .meta({ title: "duration", pattern: "^([0-9]+(ms|[smhdw]))+$", examples: ["12h", "10m", "60s"] })
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
  })

const instant = "expected a day or an instant: 2026-11-01, or 2026-11-01T09:30Z"
const oldestYear = 1990

/** An ISO instant; a day is its beginning in UTC. */
const Instant = z
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
  })

function wrongDuration(input: string): string {
  if (/^\d+$/.test(input)) return withUnit
  return parseDuration(input) === undefined ? duration : "is longer than a hundred years"
}

const name = "names are letters, digits, - and _, at most 63, and not digits alone"
/**
 * Of an environment or a deployment; part of a path, so nothing that a file system takes otherwise.
 */
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

const shortestWatchMs = 10_000

/** What stands in more than one place. */
const shared = lazily({
  schedule: () =>
    Text.meta({
      description:
        "When secrets that are due may rotate, as cron writes it: minute, hour, day, month, weekday",
      default: defaultSchedule,
      examples: ["0 3 * * SUN"],
    }),
  timezone: () =>
    Text.meta({
      description: "The time zone of the schedule",
      default: "UTC",
      examples: ["Europe/Berlin"],
    }),
  rotate_every: () =>
    Age.meta({
      description:
        "The greatest age that a value may reach, or never: a secret's own, else its " +
        "environment's, else the one at the top; a minute at least, and one of them must say " +
        "it",
      examples: ["90d"],
    }),
  watch: () =>
    Age.refine(
      (ms) => ms === null || ms >= shortestWatchMs,
      "a login every few seconds locks out: at least 10s",
    ).meta({
      description:
        "How often the service logs in with each current value, to notice if it was changed " +
        "there; at least 10s, or never",
      default: "1h",
      examples: ["15m"],
    }),
  grace: () =>
    Duration.meta({
      description: "How long the previous value stays valid, if the service can hold two",
      default: "10m",
      examples: ["24h"],
    }),
  policy: () =>
    z.enum(["none", ...policyNames], `expected ${policyNames.join(", ")} or none`).meta({
      description:
        "Rules from outside that the config must keep: with pci-dss no secret gets older than " +
        "90 days and the audit log is kept for a year; none overrides",
      examples: ["pci-dss"],
    }),
})
const shares =
  <Key extends keyof typeof shared>(key: Key) =>
  () =>
    shared[key]

export const topKeys = lazily({
  project: () =>
    Project.meta({
      description: "A name for all of this; part of the state's path",
      examples: ["shop"],
    }),
  store: () =>
    Store.meta({
      description: "The folder of the state, on a local disk",
      default: "~/.local/state/mycelium",
      examples: ["/var/lib/mycelium"],
    }),
  schedule: shares("schedule"),
  timezone: shares("timezone"),
  recipients: () =>
    z.array(Recipient, "expected a list: [age1…]").meta({
      description: "age recipients that can open values besides this machine: a key kept offline",
      examples: [["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]],
    }),
  identity: () =>
    ReferenceOptions.meta({
      description: "This machine's age identity, if it is not in its usual file",
      examples: [{ file: "/run/secrets/identity" }],
    }),
  per_server: () =>
    z
      .int("expected a whole number")
      .min(1, "at least 1")
      .max(1000, "at most 1000")
      .meta({
        description: "How many secrets of one server are worked on at once",
        default: 8,
        examples: [4],
      }),
  rotate_every: shares("rotate_every"),
  watch: shares("watch"),
  policy: shares("policy"),
})

export const environmentKeys = lazily({
  schedule: shares("schedule"),
  timezone: shares("timezone"),
  rotate_every: shares("rotate_every"),
  grace: shares("grace"),
  watch: shares("watch"),
  policy: shares("policy"),
})

export const secretKeys = lazily({
  driver: () =>
    Text.meta({
      description: "The kind of service; it may be left out if the secret has the driver's name",
      examples: ["postgres"],
    }),
  rotate_every: shares("rotate_every"),
  grace: shares("grace"),
  end_sessions: () =>
    z.boolean().meta({
      description: "End sessions that were opened with the previous value",
      default: false,
      examples: [true],
    }),
  rotated_at: () =>
    Instant.meta({
      description:
        "When the value that adopt finds was made; without it its age is unknown, " +
        "and it is due at the next scheduled time",
      examples: ["2026-03-01"],
    }),
  tags: () =>
    Texts.meta({ description: "Words to select secrets by: --tag", examples: [["payments"]] }),
  policy: () =>
    z.literal("none", "expected none: a policy is named at the environment or at the top").meta({
      description: "An exception from the policy, which reports list",
      examples: ["none"],
    }),
})

export const deploymentKeys = lazily({
  reads: () =>
    Texts.meta({
      description: "The output files that it reads; else all of the environment's",
      examples: [[".env"]],
    }),
  timeout: () =>
    Duration.meta({
      description: "How long its restart may take",
      default: "2m",
      examples: ["30s"],
    }),
})

export const healthKeys = lazily({
  within: () =>
    Duration.meta({
      description: "How soon after its restart it must be healthy",
      default: "1m",
      examples: ["30s"],
    }),
})

export const defaults = {
  graceMs: 600_000,
  withinMs: 60_000,
  timeoutMs: 120_000,
  timezone: "UTC",
  perServer: 8,
} as const
