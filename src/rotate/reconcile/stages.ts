import { present } from "../../base/present.ts"
import type { Patch } from "../../core/state.ts"
import { type Stage, type Version, valueOf } from "../../core/version.ts"
import type { ProbedVersions } from "../probe-versions.ts"
import type { ReconcileFinding } from "./finding.ts"
import type { Session } from "../session.ts"

export type Known = Extract<ProbedVersions, { readonly kind: "known" }>

/** What the way back goes to; what is given up there stays so until its death is proven. */
export function goesBackTo(id: string, answer: Known, since: string): Patch {
  const stageOf = (version: Version): Stage => {
    if (version.id === id) return { kind: "current" }
    if (version.stage.kind !== "current") return version.stage
    return answer.refused.includes(version.id)
      ? { kind: "retired", since }
      : { kind: "uncertain", why: "another value was found alive" }
  }
  return ({ drift: _drift, weak: _weak, undated: _undated, ...state }) => ({
    ...state,
    rotatedAt: state.versions.find((version) => version.id === id)?.madeAt ?? since,
    versions: state.versions.map((version) => staged(version, stageOf(version))),
  })
}

type Context = {
  readonly now: string
  /** The state is older than its log. */
  readonly behind: boolean
  /** Outputs or programs follow by a journal: the version is current only at its end. */
  readonly moves: boolean
}

/**
 * The stage of each version after the answers. What was not asked keeps its own; nothing is ever
 * erased.
 */
export function decide(one: ReconcileFinding, answer: Known, context: Context): Patch | undefined {
  const { now } = context
  if (one.kind === "lost") return context.behind ? withoutCurrent(now) : driftedSince(now)
  return one.kind === "found" || one.kind === "same" ? livesAs(one, answer, context) : undefined
}

function driftedSince(since: string): Patch {
  return (state) => ({ ...state, drift: state.drift ?? { since, code: "current-refused" } })
}

/**
 * What lives is a value that this state does not know. It has none that could be called current; a
 * person takes it over.
 */
function withoutCurrent(since: string): Patch {
  return ({
    drift: _drift,
    retry: _retry,
    rotatedAt: _at,
    weak: _weak,
    undated: _undated,
    ...state
  }) => ({
    ...state,
    versions: state.versions.map((version) =>
      version.stage.kind === "retired" ? version : staged(version, { kind: "retired", since }),
    ),
  })
}

function livesAs(
  one: Extract<ReconcileFinding, { readonly kind: "found" | "same" }>,
  answer: Known,
  context: Context,
): Patch {
  return ({ drift: _drift, retry, weak, undated, ...state }) => {
    const live = state.versions.find(({ id }) => id === one.version)
    const versions = state.versions.map((version) =>
      staged(
        version,
        version.id === one.version
          ? liveStage(context)
          : stageBeside(version, live, { ...context, answer }),
      ),
    )
    // It is as old as it is: an old value is due soon.
    const aged = one.kind === "found" && live !== undefined ? { rotatedAt: live.madeAt } : {}
    // What is noted of a value stays with it: while another is on its way, the one of before is
    // current.
    const stays = one.kind === "same" || context.moves
    return {
      ...state,
      ...(one.kind === "same" ? present({ retry }) : {}),
      ...(stays ? present({ weak, undated }) : {}),
      ...aged,
      versions,
    }
  }
}

function liveStage({ moves }: Context): Stage {
  return moves ? { kind: "pending", proven: true } : { kind: "current" }
}

/** Of a version beside the one that lives. */
function stageBeside(
  version: Version,
  live: Version | undefined,
  { answer, now, moves }: Context & { readonly answer: Known },
): Stage {
  const { stage } = version
  const retired: Stage = stage.kind === "retired" ? stage : { kind: "retired", since: now }
  if (stage.kind === "current") return moves ? stage : retired
  // The same value under another number lives as long as this one.
  if (live !== undefined && valueOf(version) === valueOf(live))
    return { kind: "retired", since: now }
  if (answer.refused.includes(version.id)) return retired
  if (answer.accepted.includes(version.id))
    return stage.kind === "previous" || stage.kind === "uncertain"
      ? stage
      : { kind: "uncertain", why: "the service accepts it again" }
  return stage.kind === "pending"
    ? { kind: "uncertain", why: "given up, its death not proven" }
    : stage
}

/**
 * A pending value whose journal ends here: it was not asked for, or its service gave no clear
 * answer.
 */
export function givenUp(session: Session, name: string, since: string): Patch {
  const stage: Stage =
    session.work.drivers[name]?.overlap === "none"
      ? { kind: "retired", since }
      : { kind: "uncertain", why: "given up, its death not proven" }
  return (state) => ({
    ...state,
    versions: state.versions.map((version) =>
      version.stage.kind === "pending" ? staged(version, stage) : version,
    ),
  })
}

function staged(version: Version, stage: Stage): Version {
  return { ...version, stage }
}
