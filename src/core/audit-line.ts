import type { Due } from "./due.ts"
import type { AuditTail } from "./state.ts"

/**
 * One thing that happened, without values. Names and codes only: texts of others are never put in.
 */
export type AuditEvent = {
  readonly event: string
  readonly secret?: string
  readonly version?: string
  readonly code?: string
  /** Why the service rotates it by itself. */
  readonly due?: Due
} & Readonly<Record<string, string | number | boolean | readonly string[] | Due | undefined>>
/**
 * Who acts, as far as the machine knows: the login behind sudo, not only the uid; see app/actor.ts.
 */
export type Actor = { readonly user: string; readonly via: string }

/** How many names fit well into a line. */
export const namesMost = 200

/** The head of an empty log. */
export const noHead = "0".repeat(64)

/** SHA-256 (hex) of one line, without its line end. */
export function lineHash(line: string): string {
  return new Bun.CryptoHasher("sha256").update(line).digest("hex")
}

/**
 * The tail with one more line: JSON with its number, the state's serial and the hash of the line
 * before. The line rides in the state until it is in the log.
 */
export function appendLine(
  tail: AuditTail,
  event: AuditEvent,
  context: { readonly at: Date; readonly serial: number; readonly actor: Actor },
): AuditTail {
  const { event: name, ...fields } = event
  const line = JSON.stringify({
    n: tail.count + 1,
    at: context.at.toISOString(),
    event: name,
    ...fields,
    user: context.actor.user,
    via: context.actor.via,
    serial: context.serial,
    prev: tail.head,
  })
  return { count: tail.count + 1, head: lineHash(line), lines: [...tail.lines, line] }
}
