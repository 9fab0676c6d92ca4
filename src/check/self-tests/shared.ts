import type { StateDocument } from "../../core/state.ts"
import { defineCheck } from "./check.ts"

/**
 * No value may stand for two things: anyone who learns the one has the other. Compared by fingerprint
 * over the whole store.
 */

export const shared = defineCheck({
  name: "one value, one secret",
  faults: {
    "value-shared": { severity: "error", remedy: "rotate one of them: mycelium rotate-now" },
  },
  inspect: ({ documents, isListed = () => true }: Shared, report) => {
    const owners = new Map<string, Set<string>>()
    for (const { place, fingerprint } of documents.flatMap(liveIn))
      owners.set(fingerprint, (owners.get(fingerprint) ?? new Set()).add(place))
    const pairs = new Set(
      [...owners.values()]
        .filter((places) => places.size > 1)
        .map((places) => [...places].sort().join(" and ")),
    )
    for (const places of pairs)
      report.found("value-shared", `${places} have the same value`, {
        remedy: remedyOf(places.split(" and "), isListed),
      })
    return `none of ${owners.size} live values is used twice in the store`
  },
})

export type Shared = {
  readonly documents: readonly StateDocument[]
  /** "shop/production/db": can this config rotate it? */
  readonly isListed?: (place: string) => boolean
}

function remedyOf(places: readonly string[], isListed: (place: string) => boolean): string {
  const own = places.filter(isListed).at(-1)
  if (own !== undefined)
    return `give one of them a value of its own: mycelium rotate-now ${own.split("/").slice(-2).join("/")}`
  return "none of them is in this config: rotate one of them with the config that it is in, or erase there what is not needed any more (mycelium delete)"
}

/** Values that may be accepted somewhere; what is kept is dead. */
function liveIn(
  document: StateDocument,
): readonly { readonly place: string; readonly fingerprint: string }[] {
  return Object.entries(document.secrets).flatMap(([secret, { versions }]) =>
    versions
      .filter(({ stage }) => stage.kind !== "retired")
      .flatMap(({ fingerprints }) =>
        Object.values(fingerprints).map((fingerprint) => ({
          place: `${document.project}/${document.environment}/${secret}`,
          fingerprint,
        })),
      ),
  )
}
