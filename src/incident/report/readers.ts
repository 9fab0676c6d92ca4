import { present } from "../../base/present.ts"
import type { AuditEntry } from "../../record/audit-read.ts"
import { namesOf, textOf } from "./entry.ts"

/** Who was given values by Mycelium, how, and when last. */
export type Reader = {
  readonly environment: string
  readonly user: string
  /** "exec node", "render", "adopt", "look for leaked values". */
  readonly how: string
  readonly times: number
  readonly first: string
  readonly last: string
  /**
   * Those of the asked-for secrets that it was given; left out: the line does not say, so it may
   * have been any.
   */
  readonly secrets?: readonly string[]
}

/** Of `secrets` of one environment, since an instant. */
export function readersOf(
  environment: string,
  entries: readonly AuditEntry[],
  { secrets, since }: { readonly secrets: readonly string[]; readonly since: string },
): readonly Reader[] {
  const readers = new Map<string, Reader>()
  for (const entry of entries) {
    const how = howOf(entry)
    if (how === undefined || entry.at < since) continue
    const named = namesOf(entry)
    const given = named?.filter((name) => secrets.includes(name))
    if (given?.length === 0) continue
    const key = `${entry.user} ${how}`
    const before = readers.get(key)
    const together =
      given === undefined ? undefined : [...new Set([...(before?.secrets ?? []), ...given])]
    readers.set(key, {
      environment,
      user: entry.user,
      how,
      times: (before?.times ?? 0) + 1,
      first: before?.first ?? entry.at,
      last: entry.at,
      ...present({ secrets: together }),
    })
  }
  return [...readers.values()]
}

function howOf(entry: AuditEntry): string | undefined {
  if (entry.event === "exec") return `exec ${textOf(entry, "program") ?? ""}`.trim()
  if (entry.event === "check") return "check --connect (logs in with them)"
  if (entry.event === "render" || entry.event === "adopt") return entry.event
  if (entry.event !== "read") return undefined
  const purpose = textOf(entry, "purpose")
  return purpose === "exposed-in"
    ? "look for leaked values (--exposed-in)"
    : `read, ${purpose ?? "for an unknown purpose"}`
}
