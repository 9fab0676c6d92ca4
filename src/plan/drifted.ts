import { believableState } from "../core/instants.ts"
import { present } from "../base/present.ts"
import { incidentOf } from "../core/contained.ts"
import { type StateDocument } from "../core/state.ts"
import { versionAt } from "../core/version.ts"
import { inWords } from "./uncontained.ts"

/**
 * A secret whose service refuses the current value: neither rotated nor revoked until a person
 * acts.
 */
export type Drifted = {
  readonly secret: string
  readonly version: string
  readonly since: string /** It is, or was, contained in this. */
  readonly incident?: string
}

/** By the state, with times that can be true now; of these secrets. */
export function driftedIn(
  document: StateDocument | undefined,
  secrets: Readonly<Record<string, unknown>>,
  now: Date,
): readonly Drifted[] {
  return Object.entries(document?.secrets ?? {}).flatMap(([secret, state]) => {
    const drift =
      secrets[secret] === undefined || state.drift === undefined
        ? undefined
        : believableState(state, now).drift
    return drift === undefined
      ? []
      : [
          {
            secret,
            version: versionAt(state, "current")?.id ?? "",
            since: drift.since,
            ...present({ incident: incidentOf(state) }),
          },
        ]
  })
}

/** What works there after an incident may be the value that leaked: that is ended first. */
export function sayDrifted({ since, incident }: Pick<Drifted, "since" | "incident">): string {
  const first =
    incident === undefined
      ? ""
      : `rotate-now --contain --incident ${incident} first, for what works there may have ` +
        "leaked; if that cannot: "
  return `the service refuses it since ${inWords(since)}: ${first}reconcile, or adopt what works`
}
