import { present } from "../base/present.ts"
import type { ChangeSet } from "../core/change-set.ts"
import { alsoOf, incidentsOf } from "../core/contained.ts"
import type { Patch, SecretState } from "../core/state.ts"
import type { Stage, Version } from "../core/version.ts"
import { driverOf } from "./ask.ts"
import { readersWithinMs } from "./entry-readers.ts"
import type { Session } from "./session.ts"
import { strategyOf } from "./strategy.ts"

/** What becomes of a secret's state once its new value is current; changes nothing itself. */

/** It began before now, whatever a clock said that was set back since. */
export function begunBy(set: ChangeSet, now: Date): ChangeSet {
  return Date.parse(set.startedAt) > now.getTime() ? { ...set, startedAt: now.toISOString() } : set
}

/**
 * `old`: what becomes of the value that was current. `asked`: a service is, which may take other
 * values besides, known to us or not.
 */
export function promoted(
  set: ChangeSet,
  { id, madeAt }: Version,
  { old, asked }: { readonly old: Stage; readonly asked: boolean },
): Patch {
  const { startedAt } = set
  const { contains, agesAnew } = strategyOf(set)
  return ({
    retry: _retry,
    weak: _weak,
    undated: _undated,
    drift: _drift,
    uncontained,
    ...state
  }) => ({
    ...state,
    ...(contains ? {} : present({ uncontained })),
    // A value that was found alive is as old as it is.
    rotatedAt: agesAnew ? startedAt : madeAt,
    ...(contains ? { contained: containedBy(set, id, { state, uncontained, asked }) } : {}),
    versions: state.versions.map((version) => ({
      ...version,
      stage: stageAfter(version.stage, { old, contains }),
    })),
  })
}

type Before = {
  readonly state: Omit<SecretState, "uncontained">
  readonly uncontained: SecretState["uncontained"]
  readonly asked: boolean
}

/** The containment that the new version is the answer to, and the incidents that end with it. */
function containedBy(
  { incident = "", startedAt }: ChangeSet,
  version: string,
  { state, uncontained, asked }: Before,
): NonNullable<SecretState["contained"]> {
  const earlier = state.contained?.incident === incident ? state.contained : undefined
  return {
    incident,
    ...alsoOf(incident, incidentsOf(uncontained), incidentsOf(state.contained)),
    at: startedAt,
    version,
    ...present({ first: earlier && (earlier.first ?? earlier.version) }),
    ...present({ owes: asked ? (true as const) : undefined }),
  }
}

/** Of one version, once the pending one is current. */
function stageAfter(
  stage: Stage,
  { old, contains }: { readonly old: Stage; readonly contains: boolean },
): Stage {
  if (stage.kind === "pending") return { kind: "current" }
  // No reader is waited for in an incident.
  if (contains && stage.kind === "uncertain") return { kind: "uncertain", why: stage.why }
  // A grace that was granted before is over, too.
  const goes = stage.kind === "current" || (contains && stage.kind === "previous")
  return goes ? old : stage
}

/** What becomes of the value that was current. */
export function stageOfReplaced(session: Session, name: string, now: Date): Stage {
  const { former } = session.strategy
  if (former === "refused" || driverOf(session, name).overlap === "none")
    return { kind: "retired", since: now.toISOString() }
  if (former === "revoked")
    return {
      kind: "previous",
      since: now.toISOString(),
      revokeAt: now.toISOString(),
      endSessions: true,
      revokeOthers: true,
    }
  const policy = session.work.policies[name]
  const graceMs =
    driverOf(session, name).overlap === "both"
      ? Math.max(policy?.graceMs ?? 0, readersWithinMs(session.outputsOf([name])))
      : 0
  return {
    kind: "previous",
    since: now.toISOString(),
    revokeAt: new Date(now.getTime() + graceMs).toISOString(),
    endSessions: policy?.endSessions ?? false,
  }
}
