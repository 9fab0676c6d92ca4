import { describeError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import type { Patch } from "../../core/state.ts"
import type { Version } from "../../core/version.ts"
import { openSet } from "../open-set.ts"
import { dropStaged } from "../stage.ts"
import { noteFailure } from "../note-failure.ts"
import type { Session } from "../session.ts"
import type { Outcome, Outcomes } from "../work.ts"

/**
 * No service has seen a value yet: the set ends, all outside is as it was. The values are kept, so
 * that no number is used twice.
 */
export async function giveUp(session: Session, error: unknown): Promise<Outcomes> {
  const { code, message, hint } = describeError(error)
  const patches: Record<string, Patch> = {}
  const outcomes: Record<string, Outcome> = {}
  const since = session.work.host.now().toISOString()
  for (const name of openSet(session).secrets) {
    patches[name] = (state) =>
      noteFailure(session, { code, message })({
        ...state,
        versions: state.versions.flatMap((version) => withoutUse(version, since)),
      })
    outcomes[name] = { kind: "left", code, message, ...present({ hint }) }
  }
  await session.commit({
    patches,
    changeSet: null,
    events: [{ event: "give-up", code }],
    flush: true,
  })
  await dropStaged(session)
  return outcomes
}

/**
 * What a service held before a first value (version 0, as current) is still there, and is read
 * again the next time.
 */
function withoutUse(version: Version, since: string): readonly Version[] {
  if (version.stage.kind === "pending") return [{ ...version, stage: { kind: "retired", since } }]
  return version.id === "v0" && version.stage.kind === "current" ? [] : [version]
}
