import { type Version, versionAt } from "../../core/version.ts"
import { previousField, shownField } from "../../core/shown-field.ts"
import { type SecretState, type StateDocument } from "../../core/state.ts"

/** Which version an output shows, by fingerprint. */

export type Fingerprint = (value: string | Uint8Array) => string
export type Fields = readonly (readonly [field: string, value: string])[]

export type Answer =
  | { readonly kind: "right" }
  | { readonly kind: "older"; readonly shows: string; readonly current: string }
  | { readonly kind: "unknown" }

/** While a rotation is open its pending value is right too. */
export function answerOf(
  document: StateDocument,
  name: string,
  shows: Fields,
  fingerprint: Fingerprint,
): Answer {
  const state: SecretState = document.secrets[name] ?? { driver: "", versions: [] }
  const current = versionAt(state, "current")
  const matchesAll =
    (fields: Fields) =>
    ({ fingerprints, clear }: Version): boolean =>
      fields.every(([field, value]) =>
        Object.hasOwn(clear, field)
          ? clear[field] === value
          : shownField(fingerprints, field) === fingerprint(value),
      )
  const younger = [...state.versions].reverse()
  const before = shows.flatMap(([field, value]) =>
    previousField(field) === undefined ? [] : [[previousField(field) ?? "", value] as const],
  )
  // The one beside it may be dead by now: no file is written again for that.
  if (before.length > 0 && !younger.some(matchesAll(before))) return { kind: "unknown" }
  const found = younger.filter(
    matchesAll(shows.filter(([field]) => previousField(field) === undefined)),
  )
  if (
    found.some(
      ({ stage }) =>
        stage.kind === "current" || (stage.kind === "pending" && document.changeSet !== undefined),
    )
  )
    return { kind: "right" }
  const [older] = found
  return older === undefined
    ? { kind: "unknown" }
    : { kind: "older", shows: older.id, current: current?.id ?? "" }
}
