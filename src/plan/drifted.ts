import { type SecretState, type StateDocument, versionAt } from "../core/state.ts"
import { inWords } from "./not-contained.ts"

/** A secret whose service refuses the current value: neither rotated nor revoked until a person acts. */
export type Drifted = { readonly secret: string; readonly version: string; readonly since: string }

/** By the state; of these secrets. */
export function driftedIn(
  document: StateDocument | undefined,
  secrets: Readonly<Record<string, unknown>>,
): readonly Drifted[] {
  return Object.entries(document?.secrets ?? {}).flatMap(([secret, state]) =>
    state.drift === undefined || secrets[secret] === undefined
      ? []
      : [{ secret, version: versionAt(state, "current")?.id ?? "", since: state.drift.since }],
  )
}

export function sayDrifted({ since }: NonNullable<SecretState["drift"]> | Drifted): string {
  return `the service refuses it since ${inWords(since)}: reconcile, or adopt what works`
}
