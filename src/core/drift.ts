import type { Finding } from "./finding.ts"

/** A second one, of another user or with another store, looks from here like a person. */
export const otherMycelium =
  "if another Mycelium (another user's, or another project) rotates the same login: " +
  "take it out of one of them"

/**
 * A service refuses the current value: a person has changed it there, or the server has lost the
 * change (a failover, a backup that was put back). What a person can do, in words that are safe to
 * follow as they stand. `location`: "production/postgres".
 */
export function driftRemedy(place: string, incident?: string): string {
  const [environment = ""] = place.split("/")
  // What works there now may be the value that leaked.
  const first =
    incident === undefined
      ? []
      : [`first mycelium rotate-now ${place} --contain --incident ${incident}`]
  return [
    ...first,
    `mycelium reconcile ${environment} finds out whether an older version of it works (after ` +
      "a failover, or a backup that was put back) and makes that the current one",
    "if a person has changed it: put the value that works into the output, " +
      `then mycelium adopt ${environment}, or set the current value back at the service`,
    otherMycelium,
    `if the change was not authorised: mycelium rotate-now ${place} --contain, ` +
      "which needs an admin in the config",
  ].join("; ")
}

/** A driver knows of no incident: what it says of a drift, with the containment first. */
export function withIncident(
  finding: Finding,
  place: string,
  incident: string | undefined,
): Finding {
  return incident !== undefined && finding.remedy === driftRemedy(place)
    ? { ...finding, remedy: driftRemedy(place, incident) }
    : finding
}
