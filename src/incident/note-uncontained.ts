import { openSetOf } from "../core/change-set.ts"
import { describeError } from "../base/error.ts"
import { alsoOf, containedFor, incidentsOf, isOpenFor } from "../core/contained.ts"
import { type Patch } from "../core/state.ts"
import { noState } from "../rotate/session/next-document.ts"
import { readState } from "../record/state-file.ts"

import type { Session } from "../rotate/session.ts"
import type { App } from "../app/app.ts"
import { chosenOf } from "./chosen.ts"
import type { Acted, Chosen, Contain, Contained } from "./containment.ts"
import { outcomesOf } from "./verdicts.ts"

/** What is not contained is in the state, for those without a key; and was it written there? */

/** Without any key `status` and `check` tell of it, until a containment has made its value. */
export function uncontained(
  session: Session,
  { incident, revokeFirst }: Contain,
  code: string,
): Patch {
  // One that was never adopted stands in no state before.
  return (state) => {
    const { uncontained: former } = state
    const since = former?.incident === incident ? former.since : undefined
    return {
      ...state,
      uncontained: {
        incident,
        since: since ?? session.work.host.now().toISOString(),
        code,
        ...(revokeFirst ? { revokeFirst: true as const } : {}),
        ...alsoOf(incident, incidentsOf(former)),
      },
    }
  }
}

/** What did not come to its end, and why: the one write that a run makes which could do nothing. */
export async function noteUncontained(
  session: Session,
  acted: Acted,
  { secrets, options }: Chosen,
): Promise<void> {
  const chosen = chosenOf(session, secrets)
  const left = Object.entries(outcomesOf(session, acted, chosen)).flatMap(([secret, outcome]) =>
    outcome.kind === "rotated"
      ? []
      : [{ event: "not-contained", secret, code: outcome.code, incident: options.incident }],
  )
  if (left.length === 0 && !session.hasRemarks) return
  try {
    const patches = left.map(
      ({ secret, code }) => [secret, uncontained(session, options, code)] as const,
    )
    await session.commit({ patches: Object.fromEntries(patches), events: left, flush: true })
  } catch (error) {
    // What became of the secrets is known all the same, and is said.
    session.work.onProgress("log", describeError(error).message)
  }
}

/** By what lies on the disk, whatever went wrong. */
export async function unnoted(
  { config: { store, project } }: App,
  environment: string,
  names: readonly string[],
  incident: string,
): Promise<Pick<Contained, "unnoted">> {
  const document = await readState({ store, project, environment }).catch(() => undefined)
  const isNoted = names.every((name) => {
    const state = document?.secrets[name] ?? noState
    return (
      isOpenFor(state, incident) ||
      containedFor(state, incident) !== undefined ||
      openSetOf(document, name)?.incident === incident
    )
  })
  return isNoted ? {} : { unnoted: true }
}
