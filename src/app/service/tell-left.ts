import type { StateDocument } from "../../core/state.ts"
import { owingIn } from "../../core/unwritten.ts"
import { uncontainedSecrets } from "../../plan/uncontained.ts"
import type { ServiceEvents } from "./events.ts"

/** What was last told of an environment, as text. */
export type Told = { readonly uncontained: string; readonly unwritten: string }

/** Of most environments: one object for all saves megabytes if there are 10,000. */
export const nothingTold: Told = { uncontained: "", unwritten: "" }

/**
 * Tells what a containment has left in an environment: once a change, and at the start. Runs do not
 * tell it: one thing no run ends, and the other each run tries again, mostly in vain. Returns what is
 * told now.
 */
export function tellLeft(
  events: Pick<ServiceEvents, "uncontained" | "unwritten">,
  environment: string,
  { document, now }: { readonly document: StateDocument | undefined; readonly now: Date },
  before: Told,
): Told {
  const uncontained = uncontainedSecrets(document, now)
  const unwritten = owingIn(document)
  if (uncontained.length === 0 && unwritten.length === 0) return nothingTold
  const told = {
    // The present clock judges since when it is so: another time alone is nothing new.
    uncontained: textOf(uncontained.map(({ secret, incident, code }) => [secret, incident, code])),
    unwritten: textOf(unwritten),
  }
  if (told.uncontained !== "" && told.uncontained !== before.uncontained)
    events.uncontained(environment, uncontained)
  if (told.unwritten !== "" && told.unwritten !== before.unwritten)
    events.unwritten(environment, unwritten)
  return told
}

function textOf(facts: readonly unknown[]): string {
  return facts.length === 0 ? "" : JSON.stringify(facts)
}
