import { z } from "zod"
import { present } from "../base/present.ts"
import { Command } from "../plugins/hook-argv.ts"
import { lazily } from "./lazily.ts"
import { Duration } from "./value-types.ts"

/** How the audit logs are kept, and where their heads go. */
export type AuditConfig = {
  /** Where the head of a log goes after each act; left out: nowhere. */
  readonly heads?: "journald" | { readonly command: Command }
  /** How old lines get before they are removed, a full part at a time; null: they stay. */
  readonly keepMs: number | null
  /** How large the part that is written to may get. */
  readonly segmentBytes: number
}

const units = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const
const year = 365 * 86_400_000
const day = 86_400_000

export const auditDefaults: AuditConfig = { keepMs: year, segmentBytes: 16 * units.MiB }

const size = "expected a size such as 16MiB or 512KiB"
const Size = () =>
  z
    .string(size)
    .regex(/^[1-9]\d{0,5}[KMG]iB$/, size)
    .meta({ title: "size", examples: ["16MiB"] })
    .transform((text) => Number.parseInt(text, 10) * bytesIn(text))

function bytesIn(size: string): number {
  const [, unit] = Object.entries(units).find(([name]) => size.endsWith(name)) ?? []
  return unit ?? 1
}

const Keep = () =>
  z
    .union([z.literal("forever"), Duration()], "expected a duration such as 365d, or forever")
    .transform((age) => (age === "forever" ? null : age))
    .refine((ms) => ms === null || ms >= day, "must be at least a day: an incident is noticed late")
    .meta({ title: "duration, or forever" })

const Heads = () =>
  z
    .union(
      [z.literal("journald"), z.strictObject({ command: Command() })],
      "expected journald, or { command: [program, argument, …] }, which gets the head as a " +
        "line on its standard input",
    )
    .meta({ title: "journald, or a map with a command" })

export const auditKeys = lazily({
  audit: () =>
    z
      .strictObject({
        heads: Heads()
          .optional()
          .meta({
            description:
              "Where the newest head of a log is sent after each act, so that a later change " +
              "of the log can be found: journald, or a command that gets it on stdin",
            examples: ["journald", { command: ["/usr/local/bin/send-head"] }],
          }),
        keep: Keep()
          .optional()
          .meta({
            description:
              "How long lines are kept, at least a day, or forever; a full part of the log is " +
              "removed once it is older",
            default: "365d",
            examples: ["730d"],
          }),
        segment: Size()
          .optional()
          .meta({
            description: "How large the part of a log that is written to may get",
            default: "16MiB",
            examples: ["64MiB"],
          }),
      })
      .transform(
        ({
          heads,
          keep = auditDefaults.keepMs,
          segment = auditDefaults.segmentBytes,
        }): AuditConfig => ({
          ...present({ heads }),
          keepMs: keep,
          segmentBytes: segment,
        }),
      ),
})
