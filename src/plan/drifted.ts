import { believableState } from "../core/instants.ts"
import { type SecretState, type StateDocument } from "../core/state.ts"
import { versionAt } from "../core/version.ts"
import { inWords } from "./uncontained.ts"

/**
 * A secret whose service refuses the current value: neither rotated nor revoked until a person
 * acts.
 */
export type Drifted = { readonly secret: string; readonly version: string; readonly since: string }

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
      : [{ secret, version: versionAt(state, "current")?.id ?? "", since: drift.since }]
  })
}

export function sayDrifted({ since }: NonNullable<SecretState["drift"]> | Drifted): string {
  return `the service refuses it since ${inWords(since)}: reconcile, or adopt what works`
}
