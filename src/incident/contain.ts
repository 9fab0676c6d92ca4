import { describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { mapConcurrently } from "../base/semaphore.ts"
import { type Patch, type SecretState, holdsContained, owesRevokeOthers } from "../core/state.ts"
import { type ChangeSet, openSetOf, openSets } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { isLeft, unlisted, unlistedRemedy } from "../core/unlisted.ts"
import { readState } from "../record/state-file.ts"
import { unclear } from "../rotate/ask.ts"
import { recheckHealth } from "../rotate/recheck-health.ts"
import { mayOvertake, takeBackJournal } from "../rotate/recover.ts"
import { beginRevoke, revokeOwed, takeAway } from "../rotate/revoke.ts"
import type { Revoked } from "../rotate/revoke/revoked.ts"
import { isNothingNew, noteRevoked } from "../rotate/revoke/note.ts"
import { stopped } from "../rotate/cut-off.ts"
import { rotate } from "../rotate/rotate.ts"
import type { Session } from "../rotate/session.ts"
import { settleUnwritten } from "../rotate/unwritten/settle.ts"
import type { Outcomes } from "../rotate/work.ts"
import type { App } from "../app/app.ts"
import { type Opened, withEnvironment } from "../app/environment.ts"
import { type RetryBudget, longRetryBudget, resumeWithRetries } from "../app/retry-budget.ts"
import { briefMs, takeIn } from "./take-in.ts"
import { type Verdicts, isErased, uncontainedSecrets, verdictOf } from "./verdict.ts"

export type Contain = {
  /** Ties runs together: what was contained under it is not touched again. */
  readonly incident: string
  readonly revokeFirst: boolean
  readonly reason?: string
}
export type Contained = {
  readonly environment: string
  /** Rotations that nobody could end now: they stay as they are, and are gone on with later. */
  readonly open: readonly Open[]
  /** What became of a rotation that was under way. */
  readonly recovered: Outcomes
  readonly outcomes: Outcomes
  readonly revoked: readonly Revoked[]
  /** Contained by an earlier run of the same incident: nothing was done. */
  readonly before: readonly string[]
  /** Programs that an earlier run has left unhealthy, and that still are, by secret. */
  readonly unhealthy: Readonly<Record<string, string>>
  /** How each secret that was chosen stands now. */
  readonly secrets: Verdicts
  /** Why nothing could be done in this environment. */
  readonly failed?: { readonly code: string; readonly message: string; readonly hint?: string }
  /** The state does not know that these were chosen: neither status nor check will tell of it. */
  readonly unnoted?: true
}

export type Open = Pick<ChangeSet, "startedAt" | "direction" | "secrets">

/** Environments worked on at once. */
const sideBySideMost = 8
/** What an earlier run left is asked about so long before the rest goes on. */
const shortRetryBudget: RetryBudget = { totalMs: 3000, pauseMs: 500 }

/**
 * Everything chosen gets a fresh value; then no other value, and no session of before, lives. One
 * environment's failure is its own.
 */
export async function contain(
  app: App,
  chosen: ReadonlyMap<string, readonly string[] | undefined>,
  options: Contain,
): Promise<readonly Contained[]> {
  const selection = wordsOf(app, chosen)
  return mapConcurrently(sideBySideMost, [...chosen], async ([environment, secrets]) => {
    try {
      const act = async ({ session, recovered, resumeDeferred }: Opened): Promise<Contained> => {
        const { serial } = session.document
        const report = await containOne(session, {
          recovered: { ...recovered, ...(await resumeDeferred(secrets)) },
          secrets,
          selection,
          options: options,
        })
        await settle(session, secrets)
        await noteUncontained(session, report, { secrets, options: options })
        const open = openSets(session.document).map(({ startedAt, direction, secrets: names }) => ({
          startedAt,
          direction,
          secrets: names,
        }))
        // Whoever is asked to stop in here has contained what the report says, and has not looked
        // at the programs again.
        const unhealthy = await stillSick(session, report, { secrets, options: options }).catch(
          (error: unknown) => notLooked(session, report, error),
        )
        const verdicts = verdictsOf(
          session,
          { ...report, unhealthy },
          { secrets, options: options },
        )
        const left = Object.keys(verdicts).filter(
          (name) => verdicts[name]?.kind === "not-contained",
        )
        const noted = await unnoted(app, environment, left, options.incident)
        await takeBack(session, serial)
        return { ...report, open, unhealthy, secrets: verdicts, ...noted }
      }
      return await withEnvironment(app, environment, act, {
        urgent: true,
        retryBudget: shortRetryBudget,
      })
    } catch (error) {
      const all = secrets ?? Object.keys(app.config.environments[environment]?.secrets ?? {})
      const failed = describeError(error)
      return {
        environment,
        open: [],
        recovered: {},
        outcomes: {},
        revoked: [],
        before: [],
        unhealthy: {},
        secrets: Object.fromEntries(all.map((name) => [name, uncontainedSecrets(failed)])),
        failed,
        ...(await unnoted(app, environment, all, options.incident)),
      }
    }
  })
}

/** The next run finds it all the same. */
async function takeBack(session: Session, serialBefore: number): Promise<void> {
  try {
    await takeBackJournal(session, serialBefore)
  } catch (error) {
    session.work.onProgress("log", describeError(error).message)
  }
}

/** By what lies on the disk, whatever went wrong. */
async function unnoted(
  { config: { store, project } }: App,
  environment: string,
  names: readonly string[],
  incident: string,
): Promise<Pick<Contained, "unnoted">> {
  const document = await readState({ store, project, environment }).catch(() => undefined)
  const isNoted = names.every((name) => {
    const { uncontained, contained } = document?.secrets[name] ?? {}
    return (
      uncontained?.incident === incident ||
      contained?.incident === incident ||
      openSetOf(document, name)?.incident === incident
    )
  })
  return isNoted ? {} : { unnoted: true }
}

function notLooked(
  session: Session,
  { before }: Pick<Contained, "before">,
  error: unknown,
): Readonly<Record<string, string>> {
  const unhealthy = before.filter((name) => session.state(name).unhealthy !== undefined)
  return Object.fromEntries(
    unhealthy.map((name) => [
      name,
      `its programs were not looked at again: ${describeError(error).message}`,
    ]),
  )
}

/**
 * Outputs that could not be written are tried once more: what stood in the way may be gone, and an
 * earlier run may have left some.
 */
async function settle(session: Session, secrets: readonly string[] | undefined): Promise<void> {
  try {
    await settleUnwritten(session, secrets)
  } catch (error) {
    // What became of the secrets is known all the same, and is said.
    session.work.onProgress("deliver", describeError(error).message)
  }
}

type Acted = Omit<Contained, "open" | "unhealthy" | "secrets">

function verdictsOf(
  session: Session,
  { recovered, outcomes, revoked, before, unhealthy }: Omit<Contained, "open" | "secrets">,
  { secrets, options: { incident } }: Pick<Task, "secrets" | "options">,
): Verdicts {
  const chosen = chosenOf(session, secrets)
  const of = outcomesOf(session, { recovered, outcomes, before }, chosen)
  const done = { incident, outcomes: of, revoked, before, unhealthy }
  return Object.fromEntries(chosen.map((name) => [name, verdictOf(session, name, done)]))
}

/**
 * What became of what was chosen. A rotation that was under way may have been of others, too: these
 * are told, and have no
 * part in the containment. Nor does one that only went back to the value which this incident has
 * made.
 */
function outcomesOf(
  session: Session,
  { recovered, outcomes, before }: Pick<Contained, "recovered" | "outcomes" | "before">,
  chosen: readonly string[],
): Outcomes {
  const isBack = (name: string): boolean =>
    before.includes(name) && recovered[name]?.kind !== "rotated" && !session.isOpen(name)
  const counted = Object.entries(recovered).filter(([name]) => !isBack(name))
  return Object.fromEntries(
    [...counted, ...Object.entries(outcomes)].filter(([name]) => chosen.includes(name)),
  )
}

/** How many characters of a selection a line of the log holds; how many names. */
const selectionMost = 2000
const namesMost = 200

/**
 * What was chosen, as words of the command line; where that is too much for a line, the
 * environments; undefined where these are, too.
 */
function wordsOf(
  { config }: App,
  chosen: ReadonlyMap<string, readonly string[] | undefined>,
): readonly string[] | undefined {
  if (
    Object.keys(config.environments).every(
      (name) => chosen.has(name) && chosen.get(name) === undefined,
    )
  )
    return ["--all"]
  const words = [...chosen].flatMap(
    ([environment, secrets]) =>
      secrets?.map((secret) => `${environment}/${secret}`) ?? [environment],
  )
  return [words, [...chosen.keys()].map((environment) => `${environment}/*`)].find(
    (one) => one.join(" ").length <= selectionMost,
  )
}

/**
 * What is to be contained goes into the log with the first durable write: who reads it later learns
 * what is left, too.
 */
function begun(
  names: readonly string[],
  { selection, options }: Pick<Task, "selection" | "options">,
): readonly AuditEvent[] {
  const parts = Array.from({ length: Math.ceil(names.length / namesMost) }, (_, index) =>
    names.slice(index * namesMost, (index + 1) * namesMost),
  )
  return parts.map((secrets) => ({
    event: "contain",
    secrets,
    incident: options.incident,
    revokeFirst: options.revokeFirst,
    ...present({ selection, reason: options.reason }),
  }))
}

/** Without any key `status` and `check` tell of it, until a containment has made its value. */
function uncontained(session: Session, { incident }: Contain, code: string): Patch {
  // One that was never adopted stands in no state before.
  return (state) => ({
    ...state,
    uncontained: {
      incident,
      since: state.uncontained?.since ?? session.work.host.now().toISOString(),
      code,
    },
  })
}

/**
 * Programs that an earlier run of this incident has left unhealthy; last, for nothing waits for them.
 */
function stillSick(
  session: Session,
  { recovered, outcomes }: Acted,
  { secrets, options: { incident } }: Pick<Task, "secrets" | "options">,
): Promise<Readonly<Record<string, string>>> {
  const now = { ...recovered, ...outcomes }
  const before = (secrets ?? Object.keys(session.work.drivers)).filter(
    (name) => session.state(name).contained?.incident === incident && now[name]?.kind !== "rotated",
  )
  return recheckHealth(session, before, incident)
}

/** What did not come to its end, and why: the one write that a run makes which could do nothing. */
async function noteUncontained(
  session: Session,
  acted: Acted,
  { secrets, options }: Pick<Task, "secrets" | "options">,
): Promise<void> {
  const chosen = chosenOf(session, secrets)
  const left = Object.entries(outcomesOf(session, acted, chosen)).flatMap(([secret, outcome]) =>
    outcome.kind === "rotated"
      ? []
      : [{ event: "not-contained", secret, code: outcome.code, incident: options.incident }],
  )
  if (left.length === 0 && !session.hasRemarks) return
  try {
    const patches = left.map(
      ({ secret, code }) => [secret, uncontained(session, options, code)] as const,
    )
    await session.commit({ patches: Object.fromEntries(patches), events: left, flush: true })
  } catch (error) {
    // What became of the secrets is known all the same, and is said.
    session.work.onProgress("log", describeError(error).message)
  }
}

/**
 * An environment as a whole is more than its config says: a value of a secret that was taken out
 * may open its service still.
 */
function chosenOf(session: Session, secrets: readonly string[] | undefined): readonly string[] {
  if (secrets !== undefined) return secrets
  const strange = Object.entries(session.document.secrets).flatMap(([name, state]) =>
    !isListed(session, name) && isLeft(state) ? [name] : [],
  )
  return [...Object.keys(session.work.drivers), ...strange]
}

function isListed({ work }: Session, name: string): boolean {
  return work.drivers[name] !== undefined
}

function leftOut(session: Session, name: string): Outcomes[string] {
  const place = `${session.work.environment}/${name}`
  return { kind: "left", ...unlisted, hint: unlistedRemedy(place, session.state(name).driver) }
}

type Task = {
  readonly recovered: Outcomes
  readonly secrets: readonly string[] | undefined
  readonly selection: readonly string[] | undefined
  readonly options: Contain
}

async function containOne(
  session: Session,
  { recovered, secrets, selection, options }: Task,
): Promise<Acted> {
  const { environment } = session.work
  const all = chosenOf(session, secrets)
  const [before, rest] = partition(
    all.filter((name) => !isErased(session.state(name))),
    (name) => isHeld(session.state(name), options.incident),
  )
  // Of the others nobody knows what their service takes: that is said in `recovered`.
  const overtakes = rest.filter(
    (name) => isListed(session, name) && mayOvertake(session, name, recovered[name]),
  )
  const wanted = rest.filter(
    (name) => (!session.isOpen(name) || overtakes.includes(name)) && isListed(session, name),
  )
  const strange = Object.fromEntries(
    rest.filter((name) => !isListed(session, name)).map((name) => [name, leftOut(session, name)]),
  )
  const report = { environment, recovered }
  for (const event of begun(rest, { selection, options })) session.queueEvent(event)
  session.noteSecrets(
    Object.fromEntries(rest.map((name) => [name, uncontained(session, options, "not-contained")])),
  )
  // What an earlier run of this incident has still to take away. A server that hangs holds up no
  // other secret: it goes on beside them.
  const owedBefore = { skipGrace: true, secrets: before, sessions: true }
  await beginRevoke(session, owedBefore)
  const taking = takeAway(session, owedBefore)
  const early = (await endsSoon(session, taking))
    ? await noteRevoked(session, await taking)
    : undefined
  const resting =
    session.changeSet === undefined
      ? containRest(session, {
          wanted,
          overtakes,
          known: early === undefined ? rest : all,
          options,
        })
      : Promise.resolve({ outcomes: {}, revoked: [] })
  // Where one of the two fails, too: nothing is under way at a service any more when the lock is
  // released.
  await Promise.allSettled([taking, resting])
  // First: a death that was proven is noted whatever became of the rest.
  const owed = early ?? (await noteLate(session, await taking))
  const { outcomes, revoked } = await resting
  const news = owed.filter((one) => !isNothingNew(session, one))
  const settled = before.filter(
    (name) => !news.some(({ secret }) => secret === name) && recovered[name]?.kind !== "rotated",
  )
  return {
    ...report,
    outcomes: { ...outcomes, ...strange },
    revoked: lastOfEach([...news, ...revoked]),
    before: settled,
  }
}

/** What became of the rest is known all the same, and is said. */
async function noteLate(
  session: Session,
  revoked: readonly Revoked[],
): Promise<readonly Revoked[]> {
  try {
    return await noteRevoked(session, revoked)
  } catch (error) {
    session.work.onProgress("log", describeError(error).message)
    return revoked
  }
}

/**
 * An earlier run of this incident has made its value, and that holds. Not where the service refuses
 * it now: someone was in
 * again. Nor where the old ones are still to be taken away and another value was adopted meanwhile:
 * of that nobody knows how
 * old its sessions are, so nothing could be proven dead beside it. Those get a fresh one.
 */
export function isHeld(state: SecretState, incident: string): boolean {
  const { contained, uncontained, drift } = state
  if (contained?.incident !== incident || uncontained !== undefined || drift !== undefined)
    return false
  if (versionAt(state, "current") === undefined) return false
  return (!owesRevokeOthers(state) && contained.sessions === undefined) || holdsContained(state)
}

/** So long (ms) what is owed has to itself: who answers is noted before the rest begins. */
const soonMs = 500

async function endsSoon(
  { work: { host, stop } }: Session,
  act: Promise<unknown>,
): Promise<boolean> {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  act.then(end, end)
  await host.pause(soonMs, AbortSignal.any([ended.signal, stop]))
  return ended.signal.aborted
}

/** `issued`: whose older values are taken away. */
type Rest = {
  readonly wanted: readonly string[]
  readonly overtakes: readonly string[]
  readonly known: readonly string[]
  readonly options: Contain
}

async function containRest(
  session: Session,
  { wanted, overtakes, known, options }: Rest,
): Promise<Pick<Contained, "outcomes" | "revoked">> {
  const { stop } = session.work
  if (wanted.length > 0 && stop.aborted) throw stopped(session)
  const silentAt = await takeIn(session, withoutValue(session, wanted), {
    incident: options.incident,
    forMs: briefMs,
  })
  const order = {
    secrets: wanted,
    why: "incident" as const,
    incident: options.incident,
    contain: { revokeFirst: options.revokeFirst },
    overtakes,
    ...present({ reason: options.reason }),
  }
  let outcomes =
    wanted.length === 0 ? {} : withUnclear(session, await rotate(session, order), silentAt)
  if (session.changeSet !== undefined)
    outcomes = { ...outcomes, ...(await resumeWithRetries(session, longRetryBudget, outcomes)) }
  const revoked = await revokeOwed(session, { skipGrace: true, secrets: known })
  const silent = wanted.filter((name) => isSilent(outcomes[name]))
  if (
    silent.length === 0 ||
    session.changeSet !== undefined ||
    (session.work.asked ?? stop).aborted
  )
    return { outcomes, revoked }
  // The others are safe by now; who did not answer at once is given its time.
  const still = await takeIn(session, withoutValue(session, silent), {
    incident: options.incident,
    forMs: longRetryBudget.totalMs,
  })
  outcomes = {
    ...outcomes,
    ...withUnclear(
      session,
      await rotate(session, {
        ...order,
        secrets: silent,
        contain: { revokeFirst: options.revokeFirst, longRetries: true },
      }),
      still,
    ),
  }
  if (session.changeSet !== undefined)
    outcomes = { ...outcomes, ...(await resumeWithRetries(session, longRetryBudget, outcomes)) }
  const after = await revokeOwed(session, { skipGrace: true, secrets: known })
  return { outcomes, revoked: [...revoked, ...after] }
}

function isSilent(outcome: Outcomes[string] | undefined): boolean {
  return outcome?.kind === "left" && (outcome.code === "timeout" || outcome.code === "no-answer")
}

/**
 * What an output shows may be the value that opens the way: it was not refused, its service gave no
 * clear answer.
 */
function withUnclear(session: Session, outcomes: Outcomes, silent: ReadonlySet<string>): Outcomes {
  const cleared = Object.entries(outcomes).map(
    ([name, one]) =>
      [
        name,
        one.kind === "left" && one.code === "value-unknown" && silent.has(name)
          ? noAnswer(session, name)
          : one,
      ] as const,
  )
  return Object.fromEntries(cleared)
}

function noAnswer(session: Session, name: string): Outcomes[string] {
  return {
    kind: "left",
    code: "no-answer",
    message: unclear(
      session,
      name,
      "the service gives no clear answer to a login with the value that its output shows",
    ),
    hint: "see that it runs and can be reached from here",
  }
}

function withoutValue(session: Session, names: readonly string[]): readonly string[] {
  return names.filter((name) => versionAt(session.state(name), "current") === undefined)
}

function partition(
  names: readonly string[],
  first: (name: string) => boolean,
): readonly [readonly string[], readonly string[]] {
  return [names.filter(first), names.filter((name) => !first(name))]
}

/** What became of each version in the end. */
function lastOfEach(revoked: readonly Revoked[]): readonly Revoked[] {
  return [...new Map(revoked.map((one) => [`${one.secret} ${one.version}`, one])).values()]
}
