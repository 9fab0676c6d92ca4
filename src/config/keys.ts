import { z } from "zod"
import { ReferenceOptions } from "../plugins/references/options.ts"
import { defaultSchedule } from "./defaults.ts"
import { lazily } from "./lazily.ts"
import { Listen } from "./listen.ts"
import { policyNames } from "./policy.ts"
import { Age, Duration, Instant, Project, Recipient, Store, Text, Texts } from "./value-types.ts"

/**
 * The keys that are ours, whatever plug-ins exist: what each may hold. The loader and the JSON
 * Schema read them from here.
 */

const shortestWatchMs = 10_000

/** What stands in more than one place. */
const shared = lazily({
  schedule: () =>
    Text().meta({
      description:
        "When secrets that are due may rotate, as cron writes it: minute, hour, day, month, weekday",
      default: defaultSchedule,
      examples: ["0 3 * * SUN"],
    }),
  timezone: () =>
    Text().meta({
      description: "The time zone of the schedule",
      default: "UTC",
      examples: ["Europe/Berlin"],
    }),
  rotate_every: () =>
    Age().meta({
      description:
        "The greatest age that a value may reach, or never: a secret's own, else its " +
        "environment's, else the one at the top; a minute at least, and one of them must say " +
        "it",
      examples: ["90d"],
    }),
  watch: () =>
    Age()
      .refine(
        (ms) => ms === null || ms >= shortestWatchMs,
        "a login every few seconds locks out: at least 10s",
      )
      .meta({
        description:
          "How often the service logs in with each current value, to notice if it was changed " +
          "there, and looks whether files still show it; at least 10s, or never",
        default: "1h",
        examples: ["15m"],
      }),
  grace: () =>
    Duration().meta({
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
    Project().meta({
      description: "A name for all of this; part of the state's path",
      examples: ["shop"],
    }),
  store: () =>
    Store().meta({
      description: "The folder of the state, on a local disk",
      default: "~/.local/state/mycelium",
      examples: ["/var/lib/mycelium"],
    }),
  schedule: shares("schedule"),
  timezone: shares("timezone"),
  recipients: () =>
    z.array(Recipient(), "expected a list: [age1…]").meta({
      description: "age recipients that can open values besides this machine: a key kept offline",
      examples: [["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]],
    }),
  identity: () =>
    ReferenceOptions().meta({
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
  listen: () =>
    Listen().meta({
      description:
        "Where run answers for /metrics (Prometheus), /healthz and /readyz: an address of this " +
        "machine's loopback, or a unix socket, which is made with mode 0600",
      examples: ["127.0.0.1:9187", "unix:/run/mycelium/metrics.sock"],
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
    Text().meta({
      description: "The kind of service; it may be left out if the secret has the driver's name",
      examples: ["postgres"],
    }),
  rotate_every: shares("rotate_every"),
  grace: shares("grace"),
  gap_accepted: () =>
    Duration().meta({
      description:
        "Of a service that holds one value, shown in an entry of a secret manager: how long " +
        "programs may be refused after a rotation, since they go on with what they have read",
      examples: ["5m"],
    }),
  end_sessions: () =>
    z.boolean().meta({
      description: "End sessions that were opened with the previous value",
      default: false,
      examples: [true],
    }),
  rotated_at: () =>
    Instant().meta({
      description:
        "When the value that adopt finds was made; without it its age is unknown, " +
        "and it is due at the next scheduled time",
      examples: ["2026-03-01"],
    }),
  unshown: () =>
    z.boolean().meta({
      description:
        "It is meant that no output shows it: no program logs in with it, or one that is told otherwise",
      default: false,
      examples: [true],
    }),
  tags: () =>
    Texts().meta({
      description: "Words to select secrets by: --tag",
      examples: [["payments"]],
    }),
  policy: () =>
    z.literal("none", "expected none: a policy is named at the environment or at the top").meta({
      description: "An exception from the policy, which reports list",
      examples: ["none"],
    }),
})

export const deploymentKeys = lazily({
  reads: () =>
    Texts().meta({
      description: "The output files that it reads; else all of the environment's",
      examples: [[".env"]],
    }),
  timeout: () =>
    Duration().meta({
      description: "How long its restart may take",
      default: "2m",
      examples: ["30s"],
    }),
})

export const healthKeys = lazily({
  within: () =>
    Duration().meta({
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
