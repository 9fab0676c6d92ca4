import type { OffOutput, StateDocument } from "./state.ts"
import { versionAt } from "./version.ts"

/** The current version of each of these secrets that has one. */
export function currentsOf({ secrets }: StateDocument, names: readonly string[]): OffOutput["of"] {
  return Object.fromEntries(
    names.flatMap((name) => {
      const state = secrets[name]
      const current = state === undefined ? undefined : versionAt(state, "current")
      return current === undefined ? [] : [[name, current.id] as const]
    }),
  )
}

/** What was noted of outputs, as far as no value has become current since. */
export function offOutputsOf(
  document: StateDocument,
): readonly (OffOutput & { readonly target: string })[] {
  return Object.entries(document.offOutputs ?? {}).flatMap(([target, one]) => {
    const now = currentsOf(document, Object.keys(one.of))
    const isSame = Object.entries(one.of).every(([name, version]) => now[name] === version)
    return isSame ? [{ ...one, target }] : []
  })
}
