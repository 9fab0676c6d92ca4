import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Patch } from "../core/state.ts"
import type { ChangeSet } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { chainPatches } from "../core/patches.ts"
import { type UnhealthyDeployment, inWords, noteHealthy, noteUnhealthy } from "../core/unhealthy.ts"
import { driverOf } from "./ask.ts"
import { mayBeShown } from "./beside.ts"
import { begunBy, promoted, stageOfReplaced } from "./promoted.ts"
import { deploymentsOf } from "./readers.ts"
import type { Session } from "./session.ts"
import { strategyOf, tellsHealth } from "./strategy.ts"
import { owedAfter } from "./unwritten/owed.ts"
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
  const { changeSet: set } = session
  if (set === undefined) return {}
  const now = session.work.host.now()
  const promoted = names.flatMap(
    (name) => promotionOf(session, { set, name, unhealthy, now }) ?? [],
  )
  const noted = noteHealthy(session.document, soundOf(session, set, unhealthy))
  const becomes = Object.fromEntries(promoted.map(({ name, patch }) => [name, patch]))
  await session.commit({
    patches: chainPatches({ ...noted, ...becomes }, owedAfter(session, set, names)),
    events: promoted.map(({ event }) => event),
    written: writtenBy(session, set),
    changeSet: without(session, set, names),
    flush: true,
  })
  session.work.onProgress("promote", names.join(", "))
  session.forgetOutputs()
  return Object.fromEntries(promoted.map(({ name, outcome }) => [name, outcome]))
}

type Promotion = {
  readonly name: string
  readonly patch: Patch
  readonly event: AuditEvent
  readonly outcome: Outcome
}

/** Undefined if it has no pending value. */
function promotionOf(
  session: Session,
  {
    set,
    name,
    unhealthy,
    now,
  }: {
    readonly set: ChangeSet
    readonly name: string
    readonly unhealthy: readonly UnhealthyDeployment[]
    readonly now: Date
  },
): Promotion | undefined {
  const pending = versionAt(session.state(name), "pending")
  if (pending === undefined) return undefined
  const replaces = versionAt(session.state(name), "current")?.id
  const readers = deploymentsOf(session, [name]).map((one) => one.name)
  const failed = unhealthy.filter((one) => readers.includes(one.name))
  const becomes = promoted(begunBy(set, now), pending, {
    old: stageOfReplaced(session, name, now),
    asked: driverOf(session, name).overlap !== "none",
  })
  const { id: version } = pending
  const code = failed.length === 0 ? undefined : "deployment-unhealthy"
  return {
    name,
    patch: (state) => noteUnhealthy(failed, now)(becomes(state)),
    event: { event: "promote", secret: name, version, ...present({ replaces, code }) },
    outcome: {
      kind: "rotated",
      version,
      ...(failed.length === 0 ? {} : { unhealthy: inWords(failed) }),
      ...present({ owes: owesOf(session, set, name) }),
    },
  }
}

/** In an incident the report tells of it. */
function owesOf(session: Session, set: ChangeSet, name: string): string | undefined {
  if (strategyOf(set).contains) return undefined
  const owed = session.outputsOf([name]).flatMap(({ target }) => {
    const why = set.leaves?.[target]
    return why === undefined ? [] : [`${target} is not written yet: ${why.message} (${why.code})`]
  })
  return owed.length === 0 ? undefined : owed.join("; ")
}

/** For `commit`: what the outputs that are ours as a whole hold now. */
function writtenBy(
  { work }: Session,
  { before = {}, leaves = {} }: ChangeSet,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    work.outputs.flatMap(({ target, whole }) => {
      const written = leaves[target] === undefined ? before[target] : undefined
      return whole !== true || written === undefined ? [] : [[target, written.after]]
    }),
  )
}

/** The change set without those that are promoted; null if none is left. */
function without(session: Session, set: ChangeSet, names: readonly string[]): ChangeSet | null {
  const secrets = set.secrets.filter((name) => !names.includes(name))
  if (secrets.length === 0) return null
  const { before: _before, ahead, ...kept } = set
  const shown = stillShown(session, set, secrets)
  return {
    ...kept,
    secrets,
    touched: [],
    restarted: [],
    ...(Object.keys(shown).length === 0 ? {} : { before: shown, ...present({ ahead }) }),
  }
}

/**
 * Programs that this way has restarted, and that got healthy. If the journal does not tell which of
 * them did, only those that this run has seen.
 */
function soundOf(
  session: Session,
  set: ChangeSet,
  unhealthy: readonly UnhealthyDeployment[],
): readonly string[] {
  const failed = [...unhealthy.map(({ name }) => name), ...(set.notRestarted ?? [])]
  const sawEnd = (name: string): boolean =>
    strategyOf(set).goesBack || tellsHealth(set) || session.hooks.has(`${set.id}/${name}`)
  return set.restarted.filter((name) => !failed.includes(name) && sawEnd(name))
}

/**
 * Outputs that may show the new value of a secret that is still undecided: a way back puts its
 * value back there and no other, since the rest of the former content is over.
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
