import { z } from "zod"
import { present } from "../../../base/present.ts"
import type { Credential, Versions } from "../../../core/ports.ts"
import { Secret } from "../../../core/secret.ts"
import { longestSettleMs } from "./options.ts"

/**
 * What goes to the program on stdin and what it answers on stdout: one JSON document each.
 * src/plugins/drivers/README.md tells it to those who write one.
 */

/** Raised when a program that was written for it would no longer be right. */
export const protocolVersion = 1

export const verbs = ["describe", "apply", "verify", "revoke", "end-sessions", "forget"] as const
export type Verb = (typeof verbs)[number]

/** sysexits.h: EX_TEMPFAIL. */
export const tryLater = 75

/** Answers are read loosely: keys that we do not know are ignored. */
export const Described = z.object({
  holds: z.enum(["one", "two", "pair"]),
  probe: z.boolean(),
  settle: z
    .number()
    .min(0)
    .max(longestSettleMs / 1000)
    .default(0),
  fields: z.array(z.string()).default(["password"]),
  ends_sessions: z.boolean().default(false),
  forgets: z.boolean().default(false),
})
export type Described = z.output<typeof Described>

export const Applied = z.object({
  accepted_at: z.iso.datetime({ offset: true }).optional(),
  refused: z.boolean().default(false),
})
export const Verified = z.object({ answer: z.enum(["accepted", "refused", "unknown"]) })
export const Done = z.object({})
export const Ended = z.object({ ended: z.int().min(0).default(0) })

type Plain = Readonly<Record<string, string>>

/** A version as the program gets it: `{ "version": "v17", "user": "shop", "password": "…" }`. */
export function plain({ version, fields, acceptedAt }: Credential): Plain {
  const open = Object.entries(fields).map(([name, value]) => [
    name,
    value instanceof Secret ? value.reveal() : value,
  ])
  return {
    ...Object.fromEntries(open),
    version,
    ...present({ accepted_at: acceptedAt }),
  }
}

export function plainVersions({
  current,
  previous,
  pending,
  uncertain,
}: Versions): Readonly<Record<string, unknown>> {
  const named = Object.entries({ current, previous, pending }).flatMap(([stage, version]) =>
    version === undefined ? [] : [[stage, plain(version)]],
  )
  return { ...Object.fromEntries(named), uncertain: uncertain.map(plain) }
}
