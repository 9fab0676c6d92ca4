import { present } from "../../base/present.ts"
import type { AuditEvent } from "../../core/audit-line.ts"
import type { Ready } from "../../core/ports.ts"
import { type Patch } from "../../core/state.ts"
import type { ChangeSet } from "../../core/change-set.ts"
import { changeVersion } from "../../core/version-changes.ts"
import { versionAt } from "../../core/version.ts"
import { takenBack } from "../ahead.ts"
import { driverOf } from "../ask.ts"
import type { Prepared } from "./prepare.ts"
import { withMarks } from "../marks.ts"
import { mayLeave } from "../may-leave.ts"
import { openSet } from "../open-set.ts"
import type { Verdict } from "../prove.ts"
import { toRestart } from "../readers.ts"
import { noteFailure } from "../note-failure.ts"
import type { Session } from "../session.ts"

type Told = {
  readonly patches: Readonly<Record<string, Patch>>
  readonly events: readonly AuditEvent[]
}

/** What the verdicts change, and what the log says of them. */
function toldBy(session: Session, verdicts: ReadonlyMap<string, Verdict>): Told {
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const [name, verdict] of verdicts) {
    const pending = versionAt(session.state(name), "pending")
    if (pending === undefined || verdict.kind === "waiting" || verdict.kind === "stuck") continue
    events.push({
      event: verdict.kind === "proven" ? "verify" : "left",
      secret: name,
      version: pending.id,
      ...(verdict.kind === "left" ? { code: verdict.code } : {}),
    })
    patches[name] =
      verdict.kind === "proven"
        ? proven(pending.id, verdict.acceptedAt)
        : (state) => noteFailure(session, verdict)(left(session, pending.id, verdict.dead)(state))
  }
  return { patches, events }
}

/**
 * All are proven, and what must be durable before an output changes is so: after a crash the
 * services are asked again anyway.
 */
export function noteVerdicts(session: Session, verdicts: ReadonlyMap<string, Verdict>): void {
  const { patches, events } = toldBy(session, verdicts)
  session.noteSecrets(patches)
  for (const event of events) session.queueEvent(event)
}

/**
 * One durable write for all the verdicts, and for what a way back restores. `takesBack`: what was
 * written ahead does not hold.
 */
export async function recordVerdicts(
  session: Session,
  verdicts: ReadonlyMap<string, Verdict>,
  { ready, before, takesBack }: Prepared & { readonly takesBack: boolean },
): Promise<void> {
  const set = takesBack ? takenBack(openSet(session)) : openSet(session)
  const { patches, events } = toldBy(session, verdicts)
  const stuck = [...verdicts].flatMap(([name, { kind }]) => (kind === "stuck" ? [name] : []))
  const isSame = stuck.join() === (set.stuck ?? []).join()
  // Nothing is known that was not known before: asking again and again writes nothing.
  if (events.length === 0 && ready.length === 0 && !takesBack && isSame) return
  const secrets = set.secrets.filter((name) => verdicts.get(name)?.kind !== "left")
  const going = secrets.some((name) => verdicts.get(name)?.kind === "proven")
  if (secrets.length === 0) return session.commit({ patches, events, changeSet: null, flush: true })
  const stale = readersOfChanged(session, ready)
  const ended = secrets.filter(
    (name) => verdicts.get(name)?.kind === "proven" && driverOf(session, name).overlap === "one",
  )
  const next = {
    ...withMarks(session, set, { ended, stuck }),
    secrets,
    restarted: set.restarted.filter((name) => !stale.includes(name)),
    ...(ready.length > 0 ? { before: { ...set.before, ...before } } : {}),
  }
  const first = going ? toRestart(session, next)[0] : undefined
  // That the first restart may begin rides in this write; the later ones have a write of their own.
  const changeSet =
    first === undefined ? next : { ...next, touched: [...new Set([...next.touched, first.name])] }
  await session.commit({
    patches,
    events,
    changeSet,
    ...staleAside(session, Object.keys(before)),
    ...(takesBack && !mayLeave(session.work, changeSet) ? { leaves: [set.id] } : {}),
  })
}

/**
 * Programs that were restarted before a crash read an output that is about to change once more:
 * they do not hold the new value yet.
 */
function readersOfChanged({ work }: Session, ready: readonly Ready[]): readonly string[] {
  const changing = ready.filter(({ draft }) => draft.changed).map(({ output }) => output.target)
  return work.deployments
    .filter(({ reads }) => reads.some((target) => changing.includes(target)))
    .map(({ name }) => name)
}

/**
 * Outputs that are about to be written are no longer as a rotation found them that has made way:
 * its way back puts its values back there, not those bytes.
 */
function staleAside(
  { document: { deferred = [] } }: Session,
  targets: readonly string[],
): { readonly deferred?: readonly ChangeSet[] } {
  const isHit = ({ before = {} }: ChangeSet): boolean =>
    targets.some((target) => before[target] !== undefined && before[target].stale !== true)
  if (!deferred.some(isHit)) return {}
  const stale = (set: ChangeSet): ChangeSet => ({
    ...set,
    before: Object.fromEntries(
      Object.entries(set.before ?? {}).map(([target, one]) => [
        target,
        targets.includes(target) ? { ...one, stale: true as const } : one,
      ]),
    ),
  })
  return { deferred: deferred.map((set) => (isHit(set) ? stale(set) : set)) }
}

function proven(id: string, acceptedAt: string | undefined): Patch {
  return changeVersion(id, (version) => ({
    ...version,
    ...present({ acceptedAt }),
    stage: { kind: "pending", proven: true },
  }))
}

function left(session: Session, id: string, dead: boolean): Patch {
  const since = session.work.host.now().toISOString()
  return changeVersion(id, (version) => ({
    ...version,
    stage: dead
      ? { kind: "retired", since }
      : { kind: "uncertain", why: "given up, its death not proven" },
  }))
}
