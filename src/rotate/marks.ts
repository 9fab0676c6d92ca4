import type { ChangeSet } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { driverOf } from "./ask.ts"
import { deploymentsOf } from "./readers.ts"
import type { Session } from "./session.ts"

/**
 * What a person without a key must see in the state of a change set that no run works on: which
 * programs hold a value that no longer works (or, on the way back, may), and which services refuse
 * every value that we know. It rides in writes that are made anyway.
 */
export function withMarks(
  session: Session,
  { cuts: _cuts, stuck: _stuck, ...set }: ChangeSet,
  { ended, stuck }: { readonly ended: readonly string[]; readonly stuck: readonly string[] },
): ChangeSet {
  const cuts = deploymentsOf(session, [...ended, ...stuck]).map(({ name }) => name)
  return {
    ...set,
    ...(cuts.length === 0 ? {} : { cuts }),
    ...(stuck.length === 0 ? {} : { stuck }),
  }
}

/** Of these, the secrets whose service takes one value and has been seen to take the new one. */
export function endedOf(session: Session, names: readonly string[]): readonly string[] {
  return names.filter((name) => {
    const stage = versionAt(session.state(name), "pending")?.stage
    return driverOf(session, name).overlap === "one" && stage?.kind === "pending" && stage.proven
  })
}
