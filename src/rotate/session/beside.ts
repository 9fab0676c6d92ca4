import { type StateDocument } from "../../core/state.ts"
import { type Version, versionAt } from "../../core/version.ts"
import { openSetOf } from "../../core/change-set.ts"
import { strategyOf } from "../strategy.ts"
import type { Work } from "../work.ts"

/**
 * The version that an output shows beside this one: none where its strategy shows none, nor where
 * what was current is found dead.
 */
export function versionBeside(
  { work, document }: { readonly work: Work; readonly document: StateDocument },
  name: string,
  { stage }: Version,
): Version | undefined {
  const state = document.secrets[name]
  if (work.drivers[name]?.overlap !== "both" || state === undefined) return undefined
  if (stage.kind === "pending") {
    const { showsFormerBeside } = strategyOf(openSetOf(document, name))
    return showsFormerBeside ? versionAt(state, "current") : undefined
  }
  const previous = stage.kind === "current" ? versionAt(state, "previous") : undefined
  return previous?.stage.kind === "previous" && previous.stage.revokeOthers === true
    ? undefined
    : previous
}
