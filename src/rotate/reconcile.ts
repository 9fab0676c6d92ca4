import { describeError, type ErrorDescription } from "../base/error.ts"
import { present } from "../base/present.ts"
import { canShow } from "../core/can-show.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Output } from "../core/ports.ts"
import {
  type ChangeSet,
  type Patch,
  type Stage,
  type Version,
  openSets,
  versionAt,
} from "../core/state.ts"
import { forward } from "./forward.ts"
import { deploymentsOf } from "./readers.ts"
import { rollBack } from "./roll-back.ts"
import type { Session } from "./session.ts"
import { strategyOf } from "./strategy.ts"
import { type ProbedVersions, likely, probeVersions, valueOf } from "./probe-versions.ts"
import type { Outcome } from "./work.ts"

/**
 * After a backup was put back, of a service or of the state: the version that lives becomes the
 * current one.
 */

export type ReconcileOptions = {
  readonly dryRun: boolean
  /** Every version is asked for, however old. */
  readonly deep: boolean
  /** Left out: all of the environment. */
  readonly secrets?: readonly string[]
  /** The state is older than its log; by secret, the youngest version that the log knows of. */
  readonly behind?: {
    readonly serial: number
    readonly logSerial: number
    readonly youngest: Readonly<Record<string, number>>
  }
}

export type ReconcileFinding =
  /**
   * The service takes the current value, or no service asks. `differ`: outputs that show something
   * else.
   */
  | {
      readonly kind: "same"
      readonly version: string
      readonly differ: readonly string[]
      readonly revived: readonly string[]
    }
  | {
      readonly kind: "found"
      readonly version: string
      readonly was?: string
      readonly outputs: readonly string[]
      readonly restarts: readonly string[]
      readonly revived: readonly string[]
      readonly unhealthy?: string
    }
  /** The service refuses every version that was asked for. */
  | {
      readonly kind: "lost"
      readonly asked: number
      readonly unasked: number
      readonly current?: string
      readonly driver: string
      readonly user?: string
    }
  /** A value lives, but it cannot be made the current one yet. */
  | {
      readonly kind: "held"
      readonly version?: string
      readonly code: string
      readonly message: string
      readonly hint?: string
    }
  | { readonly kind: "unknown"; readonly code: string; readonly message: string }
  | { readonly kind: "new" }
export type Finds = Readonly<Record<string, ReconcileFinding>>

/**
 * `written`: the state knows it now. A state that is older than its log is taken as it is only once
 * every service has answered clearly.
 */
export type Reconciled = { readonly found: Finds; readonly written: boolean }

export async function reconcile(session: Session, options: ReconcileOptions): Promise<Reconciled> {
  const names = Object.keys(session.work.drivers).filter(
    (name) => options.secrets?.includes(name) ?? true,
  )
  const surveys: Record<string, ProbedVersions> = {}
  await Promise.all(
    names.map(
      async (name) =>
        (surveys[name] = await probeVersions(session, name, {
          most: options.deep ? Number.POSITIVE_INFINITY : likely,
          looks: options.dryRun,
        })),
    ),
  )
  const found: Record<string, ReconcileFinding> = {}
  for (const name of names)
    found[name] = await judge(session, name, surveys[name] ?? { kind: "none" })
  // Only their value changes in the open journal, which goes on: it has an end then, which it had
  // not.
  const replaced: ReadonlySet<string> =
    options.behind === undefined ? holdForJournals(session, found) : new Set()
  const waits =
    options.behind !== undefined && Object.values(found).some((one) => one.kind === "unknown")
  if (options.dryRun || waits) return { found, written: false }
  const moves = await write(session, { found, surveys, replaced }, options)
  if (moves.length === 0) return { found, written: true }
  const outcomes =
    session.changeSet?.direction === "back"
      ? await rollBack(session)
      : await forward(session, { fresh: false })
  for (const name of moves) found[name] = after(found[name], outcomes[name])
  return { found, written: true }
}

async function judge(
  session: Session,
  name: string,
  answer: ProbedVersions,
): Promise<ReconcileFinding> {
  if (answer.kind === "unknown") return answer
  const state = session.state(name)
  const current = versionAt(state, "current")
  if (answer.kind === "none")
    return current === undefined ? { kind: "new" } : same(session, name, current.id, [])
  if (state.versions.length === 0) return { kind: "new" }
  const [version] = answer.accepted
  if (version === undefined) {
    const user = (current ?? state.versions.at(-1))?.clear["user"]
    return {
      kind: "lost",
      asked: answer.refused.length,
      unasked: answer.unasked,
      driver: session.work.kinds[name] ?? "",
      ...(current === undefined ? {} : { current: current.id }),
      ...present({ user }),
    }
  }
  const revived = answer.accepted
    .slice(1)
    .filter((id) =>
      state.versions.some(
        (one) => one.id === id && one.stage.kind !== "previous" && one.stage.kind !== "uncertain",
      ),
    )
  if (version === current?.id) return same(session, name, version, revived)
  const outputs = await looks(session, name, version)
  const fault = outputs.find((one) => one.fault !== undefined)?.fault
  if (fault !== undefined) return { kind: "held", version, ...fault }
  const changed = outputs.filter((one) => one.differs).map(({ target }) => target)
  // What programs have read while its rotation is not finished is not known.
  const unsure = changed.length > 0 || session.isOpen(name)
  const restarts =
    unsure || (await anySick(session, name))
      ? deploymentsOf(session, [name]).map((one) => one.name)
      : []
  return {
    kind: "found",
    version,
    ...(current === undefined ? {} : { was: current.id }),
    outputs: changed,
    restarts,
    revived,
  }
}

async function same(
  session: Session,
  name: string,
  version: string,
  revived: readonly string[],
): Promise<ReconcileFinding> {
  const outputs = await looks(session, name, version)
  const fault = outputs.find((one) => one.fault !== undefined)?.fault
  if (fault !== undefined) return { kind: "held", version, ...fault }
  return {
    kind: "same",
    version,
    differ: outputs.filter((one) => one.differs).map(({ target }) => target),
    revived,
  }
}

type Look = {
  readonly target: string
  readonly differs: boolean
  readonly fault?: ErrorDescription
}

/**
 * What the outputs of this secret would have to change to show `version`; each is drafted and
 * thrown away.
 */
export async function looks(
  session: Session,
  name: string,
  version: string,
): Promise<readonly Look[]> {
  const found = session.state(name).versions.find(({ id }) => id === version)
  const values = {
    ...(await session.values(() => false)),
    [name]:
      found === undefined ? await session.open(name, version) : await session.shown(name, found),
  }
  const outputs = session.outputsOf([name]).filter((output) => canShow(output, values))
  return Promise.all(outputs.map((output) => readOutput(session, output, values)))
}

async function readOutput(
  session: Session,
  output: Output,
  values: Parameters<Output["prepare"]>[0],
): Promise<Look> {
  try {
    const [ready] = await session.work.delivery.draft([output], values, session.issued)
    await ready?.draft.discard()
    return { target: output.target, differs: ready?.draft.changed === true }
  } catch (error) {
    return { target: output.target, differs: true, fault: describeError(error) }
  }
}

async function anySick(session: Session, name: string): Promise<boolean> {
  const answers = await Promise.all(
    deploymentsOf(session, [name]).map((one) =>
      session.work.restarts.healthy(one, session.work.stop),
    ),
  )
  return answers.some((answer) => answer !== true)
}

/**
 * An open journal is ended here only where all of its secrets that a service asks for are found
 * under another version. Else its own way goes on, and each of them goes that way with the version
 * that was found: forward as the new value, back as the one to go back to. One that was put
 * aside has touched nothing yet: each of its secrets may leave it alone.
 */
function holdForJournals(
  session: Session,
  found: Record<string, ReconcileFinding>,
): ReadonlySet<string> {
  const open = session.changeSet
  const other = (name: string): boolean => {
    const one = found[name]
    if (session.work.drivers[name]?.overlap === "none") return true
    return one?.kind === "found" && one.version !== versionAt(session.state(name), "pending")?.id
  }
  const blocked =
    open !== undefined &&
    !(open.secrets.some((name) => found[name]?.kind === "found") && open.secrets.every(other))
  const replaces = (name: string): boolean =>
    blocked &&
    strategyOf(open).takesFoundVersion &&
    open.secrets.includes(name) &&
    driverAsks(session, name) &&
    other(name)
  const replaced = new Set(Object.keys(found).filter(replaces))
  for (const [name, one] of Object.entries(found)) {
    if (one.kind !== "found" || replaced.has(name)) continue
    if (!(blocked || (session.isOpen(name) && !other(name)))) continue
    found[name] = {
      kind: "held",
      version: one.version,
      code: "journal-open",
      message: "a rotation is not finished yet, and ends first",
      hint: "mycelium run, or the same rotate-now again, asks the service and ends it; see mycelium status",
    }
  }
  return replaced
}

function driverAsks(session: Session, name: string): boolean {
  return session.work.drivers[name]?.overlap !== "none"
}

type Judged = {
  readonly found: Finds
  readonly surveys: Readonly<Record<string, ProbedVersions>>
  /** Of these the open journal goes on with the version that was found. */
  readonly replaced: ReadonlySet<string>
}

/**
 * One durable write. Returns the secrets whose outputs and deployments must follow: they are in the
 * journal then.
 */
async function write(
  session: Session,
  { found, surveys, replaced }: Judged,
  options: ReconcileOptions,
): Promise<readonly string[]> {
  const { work } = session
  const now = work.host.now().toISOString()
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] =
    options.behind === undefined
      ? []
      : [
          {
            event: "reconcile",
            code: "state-older",
            stateSerial: options.behind.serial,
            logSerial: options.behind.logSerial,
          },
        ]
  const moves: string[] = []
  const isBack = session.changeSet?.direction === "back"
  const goes = replaced.size > 0 ? new Set<string>() : leaving(session, found, options)
  for (const [name, one] of Object.entries(found)) {
    const answer = surveys[name]
    const youngest = options.behind?.youngest[name]
    const last: Patch = (state) =>
      youngest === undefined ? state : { ...state, last: Math.max(youngest, state.last ?? 0) }
    const may = !session.isOpen(name) || goes.has(name) || replaced.has(name) || one.kind === "lost"
    const back = isBack && replaced.has(name) && one.kind === "found" && answer?.kind === "known"
    const decided = back
      ? goesBackTo(one.version, answer, now)
      : answer?.kind === "known" && may
        ? decide(one, answer, {
            now,
            behind: options.behind !== undefined,
            moves: replaced.has(name) || isMoved(one),
          })
        : undefined
    const patch = decided ?? (goes.has(name) ? givenUp(session, name, now) : undefined)
    if (youngest !== undefined || patch !== undefined)
      patches[name] = (state) => last(patch === undefined ? state : patch(state))
    if (replaced.has(name) || isMoved(one)) moves.push(name)
    const event = eventOf(session, name, one)
    if (event !== undefined) events.push(event)
  }
  const set: ChangeSet = {
    id: work.newId(),
    why: "reconcile",
    startedAt: now,
    secrets: moves,
    direction: "forward",
    touched: [],
    restarted: [],
    startedWith: work.startedWith,
  }
  if (events.length === 0 && Object.keys(patches).length === 0) return moves
  const deferred = (session.document.deferred ?? [])
    .map((one) => ({ ...one, secrets: one.secrets.filter((name) => !goes.has(name)) }))
    .filter(({ secrets }) => secrets.length > 0)
  const ends = session.changeSet?.secrets.every((name) => goes.has(name)) === true
  await session.commit({
    patches,
    events,
    flush: true,
    deferred,
    ...(replaced.size > 0
      ? isBack
        ? { changeSet: visitsAgain(session, session.changeSet, replaced) }
        : {}
      : moves.length > 0
        ? { changeSet: set }
        : ends
          ? { changeSet: null }
          : {}),
  })
  return moves
}

/**
 * The secrets that leave a change set which is not finished: those that are found elsewhere, what
 * was in one journal with them, and all of a state that was overtaken.
 */
function leaving(session: Session, found: Finds, options: ReconcileOptions): ReadonlySet<string> {
  const all = openSets(session.document).flatMap(({ secrets }) => secrets)
  if (options.behind !== undefined) return new Set(all)
  const isFound = (name: string): boolean => found[name]?.kind === "found"
  const journal = session.changeSet?.secrets ?? []
  return new Set(
    all.filter((name) => isFound(name) || (journal.includes(name) && journal.some(isFound))),
  )
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

/** What the way back goes to; what is given up there stays so until its death is proven. */
function goesBackTo(
  id: string,
  answer: Extract<ProbedVersions, { kind: "known" }>,
  since: string,
): Patch {
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

/** Its outputs show another value than before, and whoever reads them is restarted with that. */
function visitsAgain(session: Session, set: ChangeSet, replaced: ReadonlySet<string>): ChangeSet {
  const names = [...replaced]
  const { stuck: _stuck, ...rest } = set
  const stale = session
    .outputsOf(names)
    .map(({ target }) => [
      target,
      { sealed: "", after: "", ...set.before?.[target], stale: true as const },
    ])
  const readers = deploymentsOf(session, names).map(({ name }) => name)
  return {
    ...rest,
    before: { ...set.before, ...Object.fromEntries(stale) },
    touched: [...new Set([...set.touched, ...readers])],
    restarted: set.restarted.filter((name) => !readers.includes(name)),
  }
}

/** Outputs and programs must follow: by a journal. */
function isMoved(one: ReconcileFinding): boolean {
  return one.kind === "found" && (one.outputs.length > 0 || one.restarts.length > 0)
}

/**
 * The stage of each version after the answers. What was not asked keeps its own; nothing is ever
 * erased.
 */
function decide(
  one: ReconcileFinding,
  answer: Extract<ProbedVersions, { readonly kind: "known" }>,
  {
    now,
    behind,
    moves,
  }: { readonly now: string; readonly behind: boolean; readonly moves: boolean },
): Patch | undefined {
  if (one.kind === "lost") {
    if (!behind)
      return ({ ...state }) => ({
        ...state,
        drift: state.drift ?? { since: now, code: "current-refused" },
      })
    // What lives is a value that this state does not know. It has none that could be called
    // current; a person takes it over.
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
        staged(
          version,
          version.stage.kind === "retired" ? version.stage : { kind: "retired", since: now },
        ),
      ),
    })
  }
  if (one.kind !== "found" && one.kind !== "same") return undefined
  return ({ drift: _drift, retry, weak, undated, ...state }) => {
    const live = state.versions.find(({ id }) => id === one.version)
    const stageOf = (version: Version): Stage => {
      const { stage } = version
      if (version.id === one.version)
        return moves ? { kind: "pending", proven: true } : { kind: "current" }
      if (stage.kind === "current") return moves ? stage : { kind: "retired", since: now }
      // The same value under another number lives as long as this one.
      if (live !== undefined && valueOf(version) === valueOf(live))
        return { kind: "retired", since: now }
      if (answer.refused.includes(version.id))
        return stage.kind === "retired" ? stage : { kind: "retired", since: now }
      if (answer.accepted.includes(version.id))
        return stage.kind === "previous" || stage.kind === "uncertain"
          ? stage
          : { kind: "uncertain", why: "the service accepts it again" }
      return stage.kind === "pending"
        ? { kind: "uncertain", why: "given up, its death not proven" }
        : stage
    }
    const versions = state.versions.map((version) => staged(version, stageOf(version)))
    // It is as old as it is: an old value is due soon.
    const aged = one.kind === "found" && live !== undefined ? { rotatedAt: live.madeAt } : {}
    // What is noted of a value stays with it: while another is on its way, the one of before is
    // current.
    const same = one.kind === "same" || moves
    const marks = same ? { ...present({ weak, undated }) } : {}
    return {
      ...state,
      ...(one.kind === "same" && retry !== undefined ? { retry } : {}),
      ...marks,
      ...aged,
      versions,
    }
  }
}

/**
 * A pending value whose journal ends here: nobody asked for it, or a service that was not clear
 * about it.
 */
function givenUp(session: Session, name: string, since: string): Patch {
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

function after(one: ReconcileFinding | undefined, outcome: Outcome | undefined): ReconcileFinding {
  if (one?.kind !== "found") return one ?? { kind: "new" }
  if (outcome?.kind === "rotated")
    return outcome.unhealthy === undefined ? one : { ...one, unhealthy: outcome.unhealthy }
  if (outcome?.kind === "rolled-back")
    return outcome.code === "back-unhealthy" ? { ...one, unhealthy: outcome.message } : one
  const { code, message } = outcome ?? { code: "journal-open", message: "not finished" }
  return {
    kind: "held",
    version: one.version,
    code,
    message,
    hint: "the journal is open: mycelium run, or this command again, goes on with it",
  }
}
