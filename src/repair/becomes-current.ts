import { present } from "../base/present.ts"
import type { Patch } from "../core/state.ts"
import { owesRevokeOthers } from "../core/open-containment.ts"
import type { Stage, Version } from "../core/version.ts"

type Becomes = {
  /** What becomes of the version that was current. */
  readonly replaced: Stage
  /** When it was made, if a person has said so on the command line. */
  readonly said: string | undefined
  /** It is easily guessed. */
  readonly weak: boolean
}

/**
 * A version that the state holds already is the current one again, as old as it is. A grace that it
 * was in is over with that; what a containment owes is not.
 */
export function becomesCurrent(id: string, { replaced, said, weak }: Becomes): Patch {
  return (before) => {
    const { retry: _retry, weak: _weak, drift: _drift, undated: _undated, ...state } = before
    const versions = before.versions.map((version): Version => {
      if (version.id === id) return { ...dated(version, said), stage: { kind: "current" } }
      return version.stage.kind === "current" ? { ...version, stage: replaced } : version
    })
    const { contained } = state
    return {
      ...state,
      ...(weak ? { weak: true as const } : {}),
      ...present({ rotatedAt: versions.find((version) => version.id === id)?.madeAt }),
      // An older state has this debt on the version alone, which may be this one.
      ...(contained !== undefined && owesRevokeOthers(before)
        ? { contained: { ...contained, owes: true as const } }
        : {}),
      versions,
    }
  }
}

/** Mycelium knows when it made a value; of one that was taken over, a person may say it. */
function dated(version: Version, said: string | undefined): Version {
  return said === undefined || version.adopted === undefined
    ? version
    : { ...version, madeAt: said, adopted: "dated" }
}
