import { alsoOf, incidentsOf, isTakenAway } from "../../core/contained.ts"
import type { AuditEvent } from "../../core/audit-line.ts"
import type { Patch } from "../../core/state.ts"
import { compromisedAgain, openContainment } from "../../core/open-containment.ts"
import type { Finds, ReconcileFinding, ReconcileOptions } from "./finding.ts"
import type { Session } from "../session.ts"

/** What a state that is older than its log does not know of containments, and what was found of them. */

/** The state that is used from now on is older than the containment. */
export const statePutBack = {
  code: "state-put-back",
  message: "the log says that it was chosen for it after this state was written",
} as const

export type NotContained = { readonly incident: string; readonly code: string }
type Choices = readonly { readonly incident: string; readonly at: string }[]

/** By secret, what the log says that this state does not know; the oldest first. */
function choices(
  session: Session,
  { behind }: Pick<ReconcileOptions, "behind">,
): ReadonlyMap<string, Choices> {
  const isKnown = (name: string): boolean =>
    session.document.secrets[name] !== undefined || session.work.drivers[name] !== undefined
  return Map.groupBy(
    (behind?.chosen ?? []).filter(({ secret }) => isKnown(secret)),
    ({ secret }) => secret,
  )
}

/** Written with the state that is taken: it would call contained, or hide, what it never heard of. */
export function noteChosen(
  session: Session,
  options: ReconcileOptions,
): {
  readonly patches: Readonly<Record<string, Patch>>
  readonly events: readonly AuditEvent[]
} {
  const all = [...choices(session, options)]
  return {
    patches: Object.fromEntries(all.map(([name, chosen]) => [name, chosenPatch(chosen)])),
    events: all.flatMap(([secret, chosen]) =>
      [...new Set(chosen.map(({ incident }) => incident))].map((incident) => ({
        event: "not-contained",
        secret,
        code: statePutBack.code,
        incident,
      })),
    ),
  }
}

function chosenPatch(chosen: Choices): Patch {
  const { incident = "" } = chosen.at(-1) ?? {}
  const since = chosen.find((one) => one.incident === incident)?.at ?? ""
  const earlier = chosen.map((one) => one.incident)
  return (state) => ({
    ...state,
    uncontained: {
      incident,
      since,
      code: statePutBack.code,
      ...alsoOf(incident, earlier, incidentsOf(state.uncontained)),
    },
  })
}

/** What is not contained, or, where nothing was written, would not be. */
export function uncontainedIn(
  session: Session,
  found: Finds,
  options: Pick<ReconcileOptions, "behind">,
): Readonly<Record<string, NotContained>> {
  const chosen = choices(session, options)
  const names = new Set([...Object.keys(found), ...chosen.keys()])
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const known = openContainment(session.state(name))
      const last = chosen.get(name)?.at(-1)
      const now =
        known ??
        (last && { incident: last.incident, code: statePutBack.code }) ??
        backAgain(session, name, found[name])
      return now === undefined ? [] : [[name, { incident: now.incident, code: now.code }] as const]
    }),
  )
}

function backAgain(
  session: Session,
  name: string,
  one: ReconcileFinding | undefined,
): NotContained | undefined {
  const state = session.state(name)
  if (state.contained === undefined || (one?.kind !== "found" && one?.kind !== "same"))
    return undefined
  const isBack = [one.version, ...one.revived].some((id) => isTakenAway(state, id))
  return isBack ? { incident: state.contained.incident, code: compromisedAgain.code } : undefined
}
