import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { isLeft, unlisted, unlistedRemedy } from "../core/unlisted.ts"
import type { App } from "../app/app.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"
import type { Task } from "./containment.ts"

/** What was chosen for a containment: in an environment, on the command line, in the log. */

/**
 * An environment as a whole is more than its config says: a value of a secret that was taken out
 * may open its service still.
 */
export function chosenOf(
  session: Session,
  secrets: readonly string[] | undefined,
): readonly string[] {
  if (secrets !== undefined) return secrets
  const strange = Object.entries(session.document.secrets).flatMap(([name, state]) =>
    !isListed(session, name) && isLeft(state) ? [name] : [],
  )
  return [...Object.keys(session.work.drivers), ...strange]
}

export function isListed({ work }: Session, name: string): boolean {
  return work.drivers[name] !== undefined
}

export function leftOut(session: Session, name: string): Outcomes[string] {
  const place = `${session.work.environment}/${name}`
  return { kind: "left", ...unlisted, hint: unlistedRemedy(place, session.state(name).driver) }
}

/** How many characters of a selection a line of the log holds; how many names. */
const selectionMost = 2000
const namesMost = 200

/**
 * What was chosen, as words of the command line; where that is too much for a line, the
 * environments; undefined where these are, too.
 */
export function wordsOf(
  { config }: App,
  chosen: ReadonlyMap<string, readonly string[] | undefined>,
): readonly string[] | undefined {
  if (
    Object.keys(config.environments).every(
      (name) => chosen.has(name) && chosen.get(name) === undefined,
    )
  )
    return ["--all"]
  const words = [...chosen].flatMap(
    ([environment, secrets]) =>
      secrets?.map((secret) => `${environment}/${secret}`) ?? [environment],
  )
  return [words, [...chosen.keys()].map((environment) => `${environment}/*`)].find(
    (one) => one.join(" ").length <= selectionMost,
  )
}

/**
 * What is to be contained goes into the log with the first durable write: who reads it later learns
 * what is left, too.
 */
export function begun(
  names: readonly string[],
  { selection, options }: Pick<Task, "selection" | "options">,
): readonly AuditEvent[] {
  const parts = Array.from({ length: Math.ceil(names.length / namesMost) }, (_, index) =>
    names.slice(index * namesMost, (index + 1) * namesMost),
  )
  return parts.map((secrets) => ({
    event: "contain",
    secrets,
    incident: options.incident,
    revokeFirst: options.revokeFirst,
    ...present({ selection, reason: options.reason, asked: options.asked }),
  }))
}
