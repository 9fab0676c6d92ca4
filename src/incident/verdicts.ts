import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"
import { chosenOf } from "./chosen.ts"
import type { Chosen, Contained } from "./containment.ts"
import { type ContainmentVerdicts, verdictOf } from "./verdict.ts"

export function verdictsOf(
  session: Session,
  {
    recovered,
    outcomes,
    revoked,
    before,
    asked,
    unhealthy,
    shows,
  }: Omit<Contained, "open" | "secrets">,
  { secrets, options: { incident } }: Chosen,
): ContainmentVerdicts {
  const chosen = chosenOf(session, secrets)
  const of = outcomesOf(session, { recovered, outcomes, before }, chosen)
  const done = { incident, outcomes: of, revoked, before, asked, unhealthy, shows }
  return Object.fromEntries(chosen.map((name) => [name, verdictOf(session, name, done)]))
}

/**
 * What became of what was chosen. A rotation that was under way may have been of others, too: these
 * are told, and have no
 * part in the containment. Nor does one that only went back to the value which this incident has
 * made.
 */
export function outcomesOf(
  session: Session,
  { recovered, outcomes, before }: Pick<Contained, "recovered" | "outcomes" | "before">,
  chosen: readonly string[],
): Outcomes {
  const isBack = (name: string): boolean =>
    before.includes(name) && recovered[name]?.kind !== "rotated" && !session.isOpen(name)
  const counted = Object.entries(recovered).filter(([name]) => !isBack(name))
  return Object.fromEntries(
    [...counted, ...Object.entries(outcomes)].filter(([name]) => chosen.includes(name)),
  )
}
