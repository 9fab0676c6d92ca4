import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import {
  type ChangeSet,
  type Patch,
  type SecretState,
  type Stage,
  type Version,
  versionAt,
} from "../core/state.ts"
import { type UnhealthyDeployment, inWords, noteHealthy, noteUnhealthy } from "../core/unhealthy.ts"
import { driverOf } from "./ask.ts"
import { mayBeShown } from "./beside.ts"
import { deploymentsOf } from "./readers.ts"
import type { Session } from "./session.ts"
import { strategyOf } from "./strategy.ts"
import { owedAfter } from "./unwritten.ts"
import type { Outcome, Outcomes } from "./work.ts"

/**
 * One durable write: pending is current, current is in its grace, the age counts anew, the journal
 * ends for `names`.
 */
export async function promote(
  session: Session,
  names: readonly string[],
  unhealthy: readonly UnhealthyDeployment[] = [],
): Promise<Outcomes> {
  const set = session.changeSet
  if (set === undefined) return {}
  const now = session.work.host.now()
  const patches: Record<string, Patch> = {
    ...noteHealthy(session.document, soundOf(session, set, unhealthy)),
  }
  const events: AuditEvent[] = []
  const outcomes: Record<string, Outcome> = {}
  const owed = owedAfter(session, set, names)
  for (const [name, owes] of Object.entries(owed)) {
    const noted = patches[name]
    patches[name] = (state) => owes(noted?.(state) ?? state)
  }
  for (const name of names) {
    const asked = driverOf(session, name).overlap !== "none"
    const pending = versionAt(session.state(name), "pending")
    if (pending === undefined) continue
    const replaces = versionAt(session.state(name), "current")?.id
    const readers = deploymentsOf(session, [name]).map((one) => one.name)
    const unhealthyReaders = unhealthy.filter((one) => readers.includes(one.name))
    const becomes = promoted(begunBy(set, now), pending, { old: after(session, name, now), asked })
    const owes = owed[name] ?? ((state: SecretState) => state)
    patches[name] = (state) => owes(noteUnhealthy(unhealthyReaders, now)(becomes(state)))
    events.push({
      event: "promote",
      secret: name,
      version: pending.id,
      ...present({ replaces }),
      ...(unhealthyReaders.length === 0 ? {} : { code: "deployment-unhealthy" }),
    })
    outcomes[name] = {
      kind: "rotated",
      version: pending.id,
      ...(unhealthyReaders.length === 0 ? {} : { unhealthy: inWords(unhealthyReaders) }),
    }
  }
  const rest = set.secrets.filter((name) => !names.includes(name))
  const { before = {}, ahead, ...kept } = set
  const shown = stillShown(session, set, rest)
  const whole = session.work.outputs.filter((output) => output.whole === true)
  const written = Object.fromEntries(
    whole.flatMap(({ target }) =>
      before[target] === undefined || set.leaves?.[target] !== undefined
        ? []
        : [[target, before[target].after]],
    ),
  )
  await session.commit({
    patches,
    events,
    written,
    changeSet:
      rest.length === 0
        ? null
        : {
            ...kept,
            secrets: rest,
            touched: [],
            restarted: [],
            ...(Object.keys(shown).length === 0 ? {} : { before: shown, ...present({ ahead }) }),
          },
    flush: true,
  })
  session.work.onProgress("promote", names.join(", "))
  // The next of the set are delivered anew: what these have shown says nothing of them.
  for (const marks of [session.renamed, session.delivered, session.restored]) marks.clear()
  return outcomes
}

/**
 * Programs that this way has restarted, and that got healthy. If the
 * journal does not tell which of them did, only what this run has seen.
 */
function soundOf(
  session: Session,
  set: ChangeSet,
  unhealthy: readonly UnhealthyDeployment[],
): readonly string[] {
  const failed = [...unhealthy.map(({ name }) => name), ...(set.notRestarted ?? [])]
  const { restartsPastUnhealthy, notesUnhealthy } = strategyOf(set)
  const sawEnd = (name: string): boolean =>
    !restartsPastUnhealthy || notesUnhealthy || session.hooks.has(`${set.id}/${name}`)
  return set.restarted.filter((name) => !failed.includes(name) && sawEnd(name))
}

/**
 * Outputs that may show the new value of one that nobody knows about yet: a way back has still to
 * put its value back there, and no other, for the rest of what was there before is over.
 */
function stillShown(
  session: Session,
  set: ChangeSet,
  rest: readonly string[],
): NonNullable<ChangeSet["before"]> {
  const names = rest.filter((name) => mayBeShown(session, set, name))
  const targets = session.outputsOf(names).map(({ target }) => target)
  return Object.fromEntries(
    Object.entries(set.before ?? {})
      .filter(([target]) => targets.includes(target))
      .map(([target, before]) => [target, { ...before, stale: true as const }]),
  )
}

/** It began before now, whatever a clock said that was set back since. */
function begunBy(set: ChangeSet, now: Date): ChangeSet {
  return Date.parse(set.startedAt) > now.getTime() ? { ...set, startedAt: now.toISOString() } : set
}

/**
 * `old`: what becomes of the value that was current. `asked`: a service is, which may take other
 * values besides, known to us or not.
 */
function promoted(
  set: ChangeSet,
  { id, madeAt }: Version,
  { old, asked }: { readonly old: Stage; readonly asked: boolean },
): Patch {
  const { startedAt, incident = "" } = set
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
    ...(contains
      ? {
          contained: {
            incident,
            at: startedAt,
            version: id,
            ...(asked ? { owes: true as const } : {}),
          },
        }
      : {}),
    versions: state.versions.map((version) => {
      if (version.stage.kind === "pending") return { ...version, stage: { kind: "current" } }
      // A grace that was granted before is over, too.
      const goes =
        version.stage.kind === "current" || (contains && version.stage.kind === "previous")
      return goes ? { ...version, stage: old } : version
    }),
  })
}

/** What becomes of the value that was current. */
function after(session: Session, name: string, now: Date): Stage {
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
  const graceMs = driverOf(session, name).overlap === "both" ? (policy?.graceMs ?? 0) : 0
  return {
    kind: "previous",
    since: now.toISOString(),
    revokeAt: new Date(now.getTime() + graceMs).toISOString(),
    endSessions: policy?.endSessions ?? false,
  }
}
