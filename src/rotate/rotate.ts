import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Finding } from "../core/ports.ts"
import {
  type ChangeSet,
  type Patch,
  type SecretState,
  type Stage,
  type Version,
  nextVersionId,
  versionAt,
} from "../core/state.ts"
import { sayLeft } from "../core/left.ts"
import { driverOf } from "./ask.ts"
import { driftCode, driftNotes } from "./drift.ts"
import { hiddenOf, takeOver } from "./elsewhere.ts"
import { forward } from "./forward.ts"
import { leftBeside } from "./left.ts"
import { needOf, needToResume } from "./need.ts"
import { type Preflight, allLeft, preflight } from "./preflight.ts"
import { stopped } from "./cut-off.ts"
import { mayHaveSeen } from "./readers.ts"
import { noteFailure, rollBack } from "./roll-back.ts"
import type { Session } from "./session.ts"
import { type Strategy, containmentOf, strategyOf } from "./strategy.ts"
import { leftEvents, tellLeft } from "./unwritten.ts"
import type { Order, Outcomes } from "./work.ts"

/** Rotates these secrets in one change set, all the way. No journal may be open. */
export async function rotate(session: Session, order: Order): Promise<Outcomes> {
  const strategy = strategyOf(order)
  const { members, initialValues, left, findings, programs, shown, leaves } = await preflight(
    session,
    order,
  ).catch((error: unknown) => Promise.reject(session.work.stop.aborted ? stopped(session) : error))
  if (session.work.stop.aborted) throw stopped(session)
  if (strategy.logsWhatItEnds) remarkFound(session, members, findings)
  const obstacles = [
    ...programs.flatMap((one) => one.findings),
    ...members.flatMap((name) => session.work.obstacles?.[name] ?? []),
  ]
  for (const message of told(obstacles, strategy)) session.work.onProgress("preflight", message)
  if (!strategy.overrulesService) await noteDrift(session, left)
  if (order.why === "due") await noteLeft(session, left)
  if (members.length === 0) return left
  for (const { target, left } of await leftBeside(session, members))
    session.work.onProgress("preflight", sayLeft(target, session.work.environment, left))
  try {
    await session.work.ledger.reserve?.(
      needOf(session, members, { shown, leavesUnwritable: strategy.leavesUnwritable }),
    )
  } catch (error) {
    return { ...left, ...allLeft(members, error) }
  }
  tellLeft(session, leaves)
  await generate(session, order, members, { initialValues, leaves })
  return { ...left, ...(await forward(session, { fresh: true })) }
}

/**
 * What an incident ends is gone then: that it was there is for those who ask later, and stands in
 * the log.
 */
function remarkFound(
  session: Session,
  members: readonly string[],
  findings: Preflight["findings"],
): void {
  for (const secret of members)
    for (const { code, message, yields } of findings[secret] ?? [])
      if (yields === true) session.queueEvent({ event: "found", secret, code, message })
}

/**
 * What does not hold a rotation up (in an incident: nothing does) is told, so that who looks on has
 * time to act on it.
 */
function told(
  findings: readonly Finding[],
  { needsRunnablePrograms }: Strategy,
): ReadonlySet<string> {
  const found = findings.filter(({ severity }) => !needsRunnablePrograms || severity !== "error")
  return new Set(
    found.map(({ message, remedy }) => (remedy === undefined ? message : `${message}: ${remedy}`)),
  )
}

/** Anyone who looks at the state sees at once that what it shows is not what its service takes. */
async function noteDrift(session: Session, left: Outcomes): Promise<void> {
  const names = Object.entries(left).flatMap(([name, one]) =>
    one.kind === "left" && one.code === driftCode ? [name] : [],
  )
  const { patches, events } = driftNotes(session, names)
  if (events.length > 0) await session.commit({ patches, events, flush: true })
}

/** What waits for something of its own, and is asked nothing meanwhile. */
const waits = new Set(["in-grace", "revoke-owed", "uncertain", driftCode])

/**
 * The service tries again by itself, ever more seldom: each try costs its service a login that must
 * fail.
 */
async function noteLeft(session: Session, left: Outcomes): Promise<void> {
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const [name, one] of Object.entries(left)) {
    if (one.kind !== "left" || waits.has(one.code)) continue
    // A program that a way back has left unhealthy stays that, however it is found so again.
    const code =
      one.code === "deployment-unhealthy" && session.state(name).retry?.code === "back-unhealthy"
        ? "back-unhealthy"
        : one.code
    patches[name] = noteFailure(session, { code, message: one.message })
    events.push({ event: "left", secret: name, code: one.code })
  }
  if (events.length > 0) await session.commit({ patches, events, flush: true })
}

/**
 * Carries on with the journal that a crash (or an unclear answer) left open, in its own direction.
 * `noWait`: a containment asks, so a service that gives no answer soon is not waited for, nor an
 * output that cannot be put back.
 */
export async function resume(
  session: Session,
  options: { readonly noWait?: boolean } = {},
): Promise<Outcomes> {
  if (options.noWait === true) session.urgent = true
  const found = session.changeSet
  if (found === undefined) return {}
  const hidden = hiddenOf(session, found)
  if (hidden !== undefined)
    return Object.fromEntries(
      found.secrets.map((name) => [name, { kind: "waiting", ...hidden } as const]),
    )
  // An earlier run may have renamed any of these before it was cut.
  const set = {
    ...found,
    touched: mayHaveSeen(session, found, new Set(Object.keys(found.before ?? {}))),
  }
  session.note(set)
  await reserveToResume(session)
  await takeOver(session)
  return set.direction === "back"
    ? rollBack(session)
    : forward(session, { fresh: false, noWait: options.noWait === true })
}

/**
 * Without room for what comes next nothing is begun: all stays as the interrupted run has left it.
 */
async function reserveToResume(session: Session): Promise<void> {
  try {
    await session.work.ledger.reserve?.(needToResume(session))
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, error.message, {
      remedy: error.remedy,
      hint: "free some space on that disk, then run the same command again: the rotation that was interrupted stays as it is until then",
    })
  }
}

/** Written down first: the state and the log know the values before a service does. */
async function generate(
  session: Session,
  order: Order,
  members: readonly string[],
  { initialValues, leaves }: Pick<Preflight, "initialValues" | "leaves">,
): Promise<void> {
  const { work } = session
  const now = work.host.now().toISOString()
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const name of members) {
    const driver = driverOf(session, name)
    const versions = await session.versions(name)
    const stored = initialValues[name]
    const id = nextVersionId(session.state(name))
    const fields = driver.generate(
      versions,
      (field, shape) => work.text(`${name}.${field}`, shape),
      strategyOf(order).startsAfresh,
    )
    const sealed = await work.vault.seal(name, { version: id, fields })
    // What the service held before a first value, as far as it can be read: what going back puts in
    // place again.
    const before =
      stored === undefined
        ? []
        : [
            {
              id: "v0",
              madeAt: now,
              stage: { kind: "current" } as const,
              ...(await work.vault.seal(name, { version: "v0", fields: stored })),
            },
          ]
    const given =
      order.overtakes?.includes(name) === true ? overtaken(session, name, now) : undefined
    if (given !== undefined) events.push(...given.events)
    patches[name] = (state) => ({
      ...state,
      driver: state.driver === "" ? (work.kinds[name] ?? "") : state.driver,
      versions: [
        ...(given?.versions(state) ?? state.versions),
        ...before,
        { id, madeAt: now, stage: { kind: "pending", proven: false }, ...sealed },
      ],
    })
    events.push({
      event: "generate",
      secret: name,
      version: id,
      why: order.why,
      ...present({ reason: order.reason }),
    })
  }
  const set: ChangeSet = {
    id: work.newId(),
    why: order.why,
    ...present({ reason: order.reason, incident: order.incident }),
    startedAt: now,
    secrets: members,
    direction: "forward",
    ...containmentOf(order),
    ...(Object.keys(leaves).length === 0 ? {} : { leaves }),
    touched: [],
    restarted: [],
    startedWith: work.startedWith,
  }
  events.push(...leftEvents(session, leaves, members))
  const taken = order.overtakes?.filter((name) => members.includes(name)) ?? []
  const aside = parkedWithout(session, taken)
  await session.commit({ patches, changeSet: set, ...aside, events, flush: true })
  work.onProgress(
    "generate",
    members.length === 1 ? "one new value, sealed" : `${members.length} new values, sealed`,
  )
  session.begun = set.id
  for (const marks of [session.renamed, session.delivered, session.restored]) marks.clear()
  for (const name of members) {
    session.holds.delete(name)
    session.cutting.delete(name)
  }
}

/**
 * A containment takes it out of a rotation that is not finished: that one's new value may be live
 * until the containment has ended it.
 */
function overtaken(
  session: Session,
  name: string,
  since: string,
): {
  readonly versions: (state: SecretState) => readonly Version[]
  readonly events: readonly AuditEvent[]
} {
  const pending = versionAt(session.state(name), "pending")
  const stage: Stage =
    driverOf(session, name).overlap === "none"
      ? { kind: "retired", since }
      : { kind: "uncertain", why: "given up for a containment, its death not proven" }
  return {
    versions: ({ versions }) =>
      versions.map((version) =>
        version.stage.kind === "pending" ? { ...version, stage } : version,
      ),
    events:
      pending === undefined
        ? []
        : [{ event: "left", secret: name, version: pending.id, code: "overtaken" }],
  }
}

function parkedWithout(
  { document: { deferred = [] } }: Session,
  names: readonly string[],
): { readonly deferred?: readonly ChangeSet[] } {
  if (names.length === 0) return {}
  const rest = (all: readonly string[]): readonly string[] =>
    all.filter((name) => !names.includes(name))
  return {
    deferred: deferred
      .map(({ stuck = [], ...set }) => ({
        ...set,
        secrets: rest(set.secrets),
        ...(rest(stuck).length === 0 ? {} : { stuck: rest(stuck) }),
      }))
      .filter(({ secrets }) => secrets.length > 0),
  }
}
