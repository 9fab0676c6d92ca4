import { present } from "../../base/present.ts"
import type { AuditEvent } from "../../core/audit-line.ts"
import { chainPatches } from "../../core/patches.ts"
import type { Patch } from "../../core/state.ts"
import type { ProbedVersions } from "../probe-versions.ts"
import { type Finds, type ReconcileFinding, type ReconcileOptions, isMoved } from "./finding.ts"
import { noteChosen } from "./contained.ts"
import { deferredWithout, journalAfter, leaving } from "./journals.ts"
import { decide, givenUp, goesBackTo } from "./stages.ts"
import type { Session } from "../session.ts"

export type Judged = {
  readonly found: Finds
  readonly surveys: Readonly<Record<string, ProbedVersions>>
  /** Of these the open journal goes on with the version that was found. */
  readonly replaced: ReadonlySet<string>
}

/**
 * One durable write. Returns the secrets whose outputs and deployments must follow: they are in the
 * journal then.
 */
export async function write(
  session: Session,
  judged: Judged,
  options: ReconcileOptions,
): Promise<readonly string[]> {
  const now = session.work.host.now().toISOString()
  const { found, replaced } = judged
  const leaves = replaced.size > 0 ? new Set<string>() : leaving(session, found, options)
  const patches: Record<string, Patch> = {}
  for (const name of Object.keys(found)) {
    const patch = patchOf(session, name, { ...judged, options, leaves, now })
    if (patch !== undefined) patches[name] = patch
  }
  const moves = Object.entries(found).flatMap(([name, one]) =>
    replaced.has(name) || isMoved(one) ? [name] : [],
  )
  const chosen = noteChosen(session, options)
  const events = [
    ...olderEvent(options),
    ...chosen.events,
    ...Object.entries(found).flatMap(([name, one]) => eventOf(session, name, one) ?? []),
  ]
  if (events.length === 0 && Object.keys(patches).length === 0) return moves
  await session.commit({
    patches: chainPatches(patches, chosen.patches),
    events,
    flush: true,
    deferred: deferredWithout(session, leaves),
    ...journalAfter(session, { moves, leaves, replaced }, now),
  })
  return moves
}

type Writing = Judged & {
  readonly options: ReconcileOptions
  readonly leaves: ReadonlySet<string>
  readonly now: string
}

function patchOf(session: Session, name: string, writing: Writing): Patch | undefined {
  const { options, leaves, now } = writing
  const youngest = options.behind?.youngest[name]
  const patch =
    decided(session, name, writing) ?? (leaves.has(name) ? givenUp(session, name, now) : undefined)
  if (youngest === undefined) return patch
  return (state) => {
    const next = patch?.(state) ?? state
    return { ...next, last: Math.max(youngest, next.last ?? 0) }
  }
}

function decided(session: Session, name: string, writing: Writing): Patch | undefined {
  const { found, surveys, replaced, options, leaves, now } = writing
  const [one, answer] = [found[name], surveys[name]]
  if (one === undefined || answer?.kind !== "known") return undefined
  const isBack = session.changeSet?.direction === "back"
  if (isBack && replaced.has(name) && one.kind === "found")
    return goesBackTo(one.version, answer, now)
  const mayDecide =
    !session.isOpen(name) || leaves.has(name) || replaced.has(name) || one.kind === "lost"
  if (!mayDecide) return undefined
  const moves = replaced.has(name) || isMoved(one)
  return decide(one, answer, { now, behind: options.behind !== undefined, moves })
}

function olderEvent({ behind }: ReconcileOptions): readonly AuditEvent[] {
  if (behind === undefined) return []
  const { serial: stateSerial, logSerial } = behind
  return [{ event: "reconcile", code: "state-older", stateSerial, logSerial }]
}

function eventOf(session: Session, name: string, one: ReconcileFinding): AuditEvent | undefined {
  if (one.kind === "found")
    return {
      event: "reconcile",
      secret: name,
      version: one.version,
      ...present({ was: one.was }),
    }
  if (one.kind === "lost")
    return { event: "reconcile", secret: name, code: "none-accepted", asked: one.asked }
  if (one.kind === "same" && (one.revived.length > 0 || session.state(name).drift !== undefined))
    return {
      event: "reconcile",
      secret: name,
      version: one.version,
      ...(one.revived.length === 0 ? {} : { code: "uncertain" }),
    }
  return undefined
}
