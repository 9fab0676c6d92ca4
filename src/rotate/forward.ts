import { AppError, describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { Ready } from "../core/ports.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import {
  type Before,
  type ChangeSet,
  type Patch,
  type Version,
  changeVersion,
  versionAt,
} from "../core/state.ts"
import { type UnhealthyDeployment, inWords } from "../core/unhealthy.ts"
import { Ahead, takenBack } from "./ahead.ts"
import { driverOf } from "./ask.ts"
import { Stragglers } from "./stragglers.ts"
import { endedOf, withMarks } from "./marks.ts"
import { mayLeave } from "./may-leave.ts"
import { promote } from "./promote.ts"
import { type Proving, type Verdict, applyAndProve } from "./prove.ts"
import { stopped } from "./cut-off.ts"
import { mayHaveSeen, toRestart } from "./readers.ts"
import { restartAll } from "./restart-all.ts"
import { revokeOthers } from "./revoke-others.ts"
import { noteFailure, rollBack } from "./roll-back.ts"
import type { Session } from "./session.ts"
import { unhealthyIn } from "./strategy.ts"
import { cannotGoBack, deliver, discard, draft } from "./show.ts"
import type { Outcome, Outcomes } from "./work.ts"

/**
 * apply, verify, deliver, restart, promote: what the journal still lacks. `fresh`: the values were
 * generated a moment ago
 * and nobody outside has seen them. A member whose service gives no clear answer stays in the
 * journal, the others go on.
 */
export async function forward(
  session: Session,
  options: { readonly fresh: boolean; readonly noWait?: boolean },
): Promise<Outcomes> {
  const members = openSet(session).secrets
  // Drafted before any service is touched: a full disk or a drifted file is found now, and the gap
  // stays short.
  let prepared: Prepared | undefined
  if (options.fresh) {
    try {
      prepared = await prepare(session, members)
    } catch (error) {
      return giveUp(session, error)
    }
  }
  const touchedBefore = openSet(session).touched
  const ahead =
    prepared !== undefined && hasGap(session, members)
      ? new Ahead(session, members, prepared.before)
      : undefined
  const verdicts = await verdictsOf(session, members, {
    ...options,
    ...present({ ahead }),
  })
  const isAhead = (await ahead?.written()) === true
  const relapse = regressed(session, verdicts, options)
  if (relapse !== undefined)
    return startRollback(session, { ...relapse, touched: openSet(session).touched, going: members })
  const going = members.filter((name) => verdicts.get(name)?.kind === "proven")

  let fault: unknown
  if (prepared !== undefined && going.length < members.length) {
    await discard(prepared.ready)
    prepared = undefined
  }
  try {
    prepared ??= going.length > 0 ? await prepare(session, going) : nothingPrepared
  } catch (error) {
    fault = error
  }
  const { ready } = prepared ?? nothingPrepared
  if (isAhead && ahead?.holdsFor(verdicts) === true) noteVerdicts(session, verdicts)
  else
    await recordVerdicts(session, verdicts, {
      ...(prepared ?? nothingPrepared),
      takesBack: isAhead,
    })
  const undecided = undecidedOutcomes(verdicts)
  if (going.length === 0) return undecided
  // Nobody is cut off yet, and nobody is to be; without a restart the end is nearer than the next
  // start.
  if (session.work.stop.aborted && toRestart(session, openSet(session)).length > 0) {
    await discard(ready)
    throw stopped(session)
  }
  if (session.strategy.revokesFirst) await cut(session, going)
  if (fault === undefined) {
    try {
      await deliver(session, ready)
    } catch (error) {
      fault = error
    }
  }
  if (fault !== undefined)
    return {
      ...undecided,
      ...(await startRollback(session, { ...describeError(fault), touched: touchedBefore, going })),
    }

  const unhealthy = await restartAll(session)
  if (session.strategy.notesUnhealthy)
    return { ...undecided, ...(await promote(session, going, unhealthyIn(openSet(session)))) }
  if (unhealthy.length === 0) return { ...undecided, ...(await promote(session, going)) }
  return {
    ...undecided,
    ...(await startRollback(session, {
      code: "deployment-unhealthy",
      message: inWords(unhealthy),
      touched: openSet(session).touched,
      going,
      unhealthy,
    })),
  }
}

function openSet(session: Session): ChangeSet {
  if (session.changeSet === undefined) throw new AppError("internal", "no change set is open")
  return session.changeSet
}

/**
 * Access is taken away before anything else; what cannot be done now is owed after the promote, as
 * all of it is.
 */
async function cut(session: Session, names: readonly string[]): Promise<void> {
  // What no service asks for is taken until its readers restart.
  const asked = names.filter((name) => driverOf(session, name).overlap !== "none")
  await Promise.all(
    asked.map(async (name) => {
      const { pending } = await session.versions(name)
      if (pending === undefined) return
      session.cutting.add(name)
      session.work.onStep?.()
      session.work.onProgress("cut", "no value but the new one is accepted from now on", name)
      try {
        session.expelled.set(name, await revokeOthers(session, name, pending, { waits: false }))
      } catch (error) {
        session.work.onProgress("cut", `not done yet: ${describeError(error).message}`, name)
      }
    }),
  )
}

type How = { readonly fresh: boolean; readonly noWait?: boolean; readonly ahead?: Ahead }

async function verdictsOf(
  session: Session,
  members: readonly string[],
  { fresh, noWait = false, ahead }: How,
): Promise<ReadonlyMap<string, Verdict>> {
  const verdicts = new Map<string, Verdict>()
  const waiting = new Stragglers(session, () => members.filter((name) => !verdicts.has(name)))
  if (noWait) waiting.count()
  const proving: Proving = {
    fresh,
    waiting: waiting.signal,
    ...(ahead === undefined
      ? {}
      : { applied: (name, acceptedAt) => ahead.applied(name, acceptedAt) }),
  }
  try {
    await Promise.all(
      members.map(async (name) => {
        const verdict = await verdictOf(session, name, proving)
        verdicts.set(name, verdict)
        waiting.came(name, verdict)
      }),
    )
  } finally {
    // No two writes at once, whatever comes next.
    await ahead?.ended()
  }
  waiting.end()
  return verdicts
}

async function verdictOf(session: Session, name: string, options: Proving): Promise<Verdict> {
  // Proven in an earlier run is not proven now: the server may have failed over to one that had not
  // heard of it, or a backup was put back.
  if (
    wasProven(session, name) &&
    (session.proven.has(name) || session.strategy.trustsEarlierProof)
  ) {
    session.learn(name, "new")
    return { kind: "proven" }
  }
  const verdict = await applyAndProve(session, name, options)
  if (verdict.kind === "proven") session.proven.add(name)
  return verdict
}

function wasProven(session: Session, name: string): boolean {
  const stage = versionAt(session.state(name), "pending")?.stage
  return stage?.kind === "pending" && stage.proven
}

/**
 * A value that outputs may show already, and that its service does not take any more, cannot just
 * leave the set: all goes back.
 */
function regressed(
  session: Session,
  verdicts: ReadonlyMap<string, Verdict>,
  { fresh }: Pick<How, "fresh">,
): { readonly code: string; readonly message: string } | undefined {
  for (const [name, verdict] of verdicts)
    if (
      verdict.kind === "left" &&
      (wasProven(session, name) || (!fresh && openSet(session).ahead === true))
    )
      return verdict
  return undefined
}

/**
 * Does the set have a service that takes one value, so that programs are locked out? In an incident
 * each proof is durable before what follows from it.
 */
function hasGap(session: Session, names: readonly string[]): boolean {
  return (
    session.strategy.writesAhead && names.some((name) => driverOf(session, name).overlap === "one")
  )
}

/** `before`: what a way back restores. */
type Prepared = {
  readonly ready: readonly Ready[]
  readonly before: Readonly<Record<string, Before>>
}
const nothingPrepared: Prepared = { ready: [], before: {} }

/** Outputs as they will be once `names` show their pending values. */
async function prepare(session: Session, names: readonly string[]): Promise<Prepared> {
  const { work } = session
  const ready = await draft(session, names)
  const before: Record<string, Before> = {}
  try {
    for (const {
      output: { target },
      before: bytes,
      draft,
    } of ready) {
      const earlier = openSet(session).before?.[target]
      const sealed =
        earlier?.sealed ?? (bytes === undefined ? "" : await work.vault.sealBytes(target, bytes))
      before[target] = { ...earlier, sealed, after: work.vault.fingerprint(draft.bytes) }
    }
  } catch (error) {
    await discard(ready)
    throw error
  }
  return { ready, before }
}

/**
 * No service has seen a value yet: the set ends, all outside is as it was. The values are kept, so
 * that no number is used twice.
 */
async function giveUp(session: Session, error: unknown): Promise<Outcomes> {
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
function noteVerdicts(session: Session, verdicts: ReadonlyMap<string, Verdict>): void {
  const { patches, events } = toldBy(session, verdicts)
  session.noteSecrets(patches)
  for (const event of events) session.queueEvent(event)
}

/**
 * One durable write for all the verdicts, and for what a way back restores. `takesBack`: what was
 * written ahead does not hold.
 */
async function recordVerdicts(
  session: Session,
  verdicts: ReadonlyMap<string, Verdict>,
  { ready, before, takesBack }: Prepared & { readonly takesBack: boolean },
): Promise<void> {
  const { work } = session
  const set = takesBack ? takenBack(openSet(session)) : openSet(session)
  const { patches, events } = toldBy(session, verdicts)
  const stuck = [...verdicts].flatMap(([name, { kind }]) => (kind === "stuck" ? [name] : []))
  const isSame = stuck.join() === (set.stuck ?? []).join()
  // Nothing is known that was not known before: asking again and again writes nothing.
  if (events.length === 0 && ready.length === 0 && !takesBack && isSame) return
  const secrets = set.secrets.filter((name) => verdicts.get(name)?.kind !== "left")
  const going = secrets.some((name) => verdicts.get(name)?.kind === "proven")
  if (secrets.length === 0) return session.commit({ patches, events, changeSet: null, flush: true })
  // One that was restarted before a crash reads an output that is about to change once more: it
  // does not hold the new value yet.
  const changing = ready.filter(({ draft: one }) => one.changed).map(({ output }) => output.target)
  const stale = work.deployments
    .filter((deployment) => deployment.reads.some((target) => changing.includes(target)))
    .map(({ name }) => name)
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

function undecidedOutcomes(verdicts: ReadonlyMap<string, Verdict>): Outcomes {
  const outcomes: Record<string, Outcome> = {}
  for (const [name, verdict] of verdicts) {
    if (verdict.kind !== "proven")
      outcomes[name] = { kind: verdict.kind, code: verdict.code, message: verdict.message }
  }
  return outcomes
}

type Fault = {
  readonly code: string
  readonly message: string
  readonly touched: readonly string[]
  readonly going: readonly string[]
  readonly unhealthy?: readonly UnhealthyDeployment[]
}

/**
 * The direction is durable before the first act in it, and before it is told; it never turns
 * again.
 */
async function startRollback(session: Session, fault: Fault): Promise<Outcomes> {
  const set = openSet(session)
  const { code, message } = fault
  if (cannotGoBack(session, set)) {
    session.work.onProgress(fault.unhealthy === undefined ? "wait" : "health", message)
    // A first value whose predecessor nobody knows stays: taking it away would leave no value at
    // all.
    if (fault.unhealthy !== undefined) return promote(session, fault.going, fault.unhealthy)
    return Object.fromEntries(
      fault.going.map((name) => [name, { kind: "waiting", by: "file", code, message } as const]),
    )
  }
  await session.commit({
    changeSet: {
      ...withMarks(session, set, { ended: endedOf(session, set.secrets), stuck: [] }),
      direction: "back",
      restarted: [],
      touched: mayHaveSeen(session, { ...set, touched: fault.touched }, session.renamed),
      fault: { code, message },
    },
    events: [{ event: "back", code }],
  })
  session.work.onProgress("back", message)
  return rollBack(session)
}
