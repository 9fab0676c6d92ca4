import type { Patch } from "./state.ts"

/** Changes of secrets' states, by secret. */
export type Patches = Readonly<Record<string, Patch>>

/** For each secret its change in `first`, then the one in `next`. */
export function chainPatches(first: Patches, next: Patches): Patches {
  return Object.fromEntries(
    Object.keys({ ...first, ...next }).map((name): [string, Patch] => [
      name,
      (state) => {
        const changed = first[name]?.(state) ?? state
        return next[name]?.(changed) ?? changed
      },
    ]),
  )
}
