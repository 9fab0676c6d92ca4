import { settleOutput } from "../base/files/durable-write.ts"
import { AppError, describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { endsAtOnce, setLastWords } from "../base/processes/last-words.ts"
import { answersWithinMs, inTime } from "../deliver/in-time.ts"
import { Wanted, takeLock } from "../base/files/lock.ts"
import { countDown } from "../base/processes/run-time.ts"
import { gracesOf } from "../core/graces.ts"
import { aheadOf, believable, isBeforeUs } from "../core/instants.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import { type ChangeSet, type StateDocument, openSets } from "../core/state.ts"
import { FileLedger } from "../record/ledger.ts"
import { type StateKey, lockPath, makeStateFolder } from "../record/state-file.ts"
import { cutOff, goesOn, namesOf, standing } from "../rotate/cut-off.ts"
import { awaitAgain, declareOver, isAtWork, leave } from "../rotate/elsewhere.ts"
import { makeWay, withJournal } from "../rotate/defer.ts"
import { mayMakeWay, recover } from "../rotate/recover.ts"
import { resume } from "../rotate/rotate.ts"
import { Session } from "../rotate/session.ts"
import type { Outcomes, Work } from "../rotate/work.ts"
import type { App } from "./app.ts"
import { withFreshKeys } from "./fresh-keys.ts"
import { demand, lockedHint } from "./held.ts"
import { notingWaits } from "./note-waits.ts"
import { chooseRun, openWork } from "./open.ts"
import { type RetryBudget, resumeWithRetries } from "./retry-budget.ts"
import { resumeDeferred } from "./resume-deferred.ts"
import { maintainLog } from "./maintain-log.ts"

/**
 * `isTrusted`: may the clock of now correct what a state says, and remove what is too old? Left
 * out: only where the two do not contradict each other.
 */
export type PipelineOptions = {
  readonly urgent?: boolean
  readonly isTrusted?: (document: StateDocument) => boolean
}

export type Opened = {
  /** Opened with today's config, unless a journal is still open. */
  readonly session: Session
  /** What became of a journal that an earlier run left; empty if there was none. */
  readonly recovered: Outcomes
  /** How far (ms) the state is ahead of the clock, where the clock is not trusted; else 0. */
  readonly behindMs: number
  /**
   * Asks again about the change sets that were put aside (those with one of these secrets; all, if
   * left out), each with its own options.
   */
  readonly resumeDeferred: (secrets?: readonly string[]) => Promise<Outcomes>
}

/**
 * The pipeline around every act on an environment: lock it, load and check the state, end what a
 * crash left, with the
 * options that it was started with; only then look at today's config. `urgent`: who works on it is
 * asked to let go between
 * two steps; otherwise its holder is named, and that is that.
 */
export async function withEnvironment<T>(
  app: App,
  name: string,
  retryBudget: RetryBudget,
  act: (opened: Opened) => Promise<T>,
  options: PipelineOptions = {},
): Promise<T> {
  return withLock(
    app,
    name,
    async (locked) => {
      const { serial, ...opened } = await openEnvironment(locked, {
        retryBudget,
        noWait: options.urgent === true,
        ...present({ isTrusted: options.isTrusted }),
      })
      return withLogMaintenance(locked, { session: opened.session, serial }, () => act(opened))
    },
    options,
  )
}

/**
 * Under the lock, with today's config, what only looks: an open journal stays open, nothing is
 * written, no log is tended.
 */
export function inspectEnvironment<T>(
  app: App,
  name: string,
  act: (session: Session) => Promise<T>,
): Promise<T> {
  return withLock(app, name, async ({ app: now, today, place, stops }) => {
    const ledger = ledgerOf(now, place)
    const document = withJournal(await ledger.load())
    return act(
      new Session(
        openWork(now, {
          options: today,
          ledger,
          document,
          stop: stops.stop,
          forceStop: stops.forceStop,
        }),
        document,
        { clockDoubted: true },
      ),
    )
  })
}

/** The log is tended after whatever the act wrote since the state had this `serial`. */
export async function withLogMaintenance<T>(
  { app, place, stops }: Locked,
  { session, serial }: { readonly session: Session; readonly serial: number },
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } finally {
    await leaveInOrder(session)
    await session.work.ledger.release?.()
    await maintainLog(app, place, session, { serialBefore: serial, stop: stops.stop })
  }
}

/** How long (ms) programs that are being ended are waited for. */
const endingMs = 6000

/**
 * What is left open can be taken up by a run that sees nothing of ours: nothing runs any more. That
 * it cannot be noted costs a question, and nothing else.
 */
async function leaveInOrder(session: Session): Promise<void> {
  try {
    for (let waitedMs = 0; isAtWork(session) && waitedMs < endingMs; waitedMs += lookMs)
      await session.work.host.pause(lookMs)
    await leave(session)
  } catch (error) {
    session.work.onProgress("leave", describeError(error).message)
  }
}

/**
 * `app` with the keys of now. `ends` aborts when we are asked to stop, or another run asks for the
 * environment.
 */
export type Locked = {
  readonly app: App
  readonly today: EnvironmentConfig
  readonly place: StateKey
  readonly stops: StopSignals
}

/** Nobody else works on the environment meanwhile; who holds it is said. */
export async function withLock<T>(
  app: App,
  name: string,
  act: (locked: Locked) => Promise<T>,
  options: { readonly urgent?: boolean } = {},
): Promise<T> {
  // First, so that a mistyped name leaves no lock file behind.
  const today = optionsOf(app, name)
  const place: StateKey = {
    store: app.config.store,
    project: app.config.project,
    environment: name,
  }
  await makeStateFolder(place)
  const path = lockPath(place)
  const lock =
    options.urgent === true ? await demand(app, name, path) : await takeLock(path, app.holder)
  if ("heldBy" in lock) throw lockedBy(name, lock.heldBy, path)
  const stops = new StopSignals(app, name, path)
  const leave = app.activity.join()
  try {
    // Under the lock: whoever seals all anew has either been here, or waits for us.
    return await act({ app: await withFreshKeys(app), today, place, stops })
  } finally {
    leave()
    stops.release()
    lock.release()
  }
}

export function lockedBy(name: string, heldBy: string, path: string): AppError {
  return new AppError("locked", `${name} is being worked on by ${heldBy}`, {
    remedy: "retry",
    hint: lockedHint(path),
  })
}

const handedOver = new AppError(
  "handed-over",
  "stopped between two steps: another run has asked for this environment",
  { remedy: "retry", hint: "it carries on from here" },
)

/**
 * How often (ms) the holder of a lock looks whether another waits; how long an act at a service may
 * go on after that.
 */
const lookMs = 125
const forceStopMs = 2000

/**
 * Ends the work on an environment early: we are asked to stop, or another run asks for it. While
 * programs are cut off a
 * request to stop waits until they are not; another run goes on with what it finds, and is let in.
 */
export class StopSignals {
  readonly #app: Pick<App, "host" | "stop" | "onProgress" | "notice">
  readonly #name: string
  readonly #stop = new AbortController()
  readonly #asked = new AbortController()
  readonly #forceStop = new AbortController()
  readonly #looking: ReturnType<typeof setInterval>
  #callOff = (): void => undefined
  #session: Session | undefined
  readonly #stopped = (): void => this.#ask()

  constructor(
    app: Pick<App, "host" | "stop" | "onProgress" | "notice">,
    name: string,
    lock: string,
  ) {
    this.#app = app
    this.#name = name
    const wanted = new Wanted(lock, app.host)
    this.#looking = setInterval(() => {
      if (wanted.poll()) this.#end(handedOver)
    }, lookMs)
    if (app.stop.aborted) this.#stopped()
    else app.stop.addEventListener("abort", this.#stopped)
  }
  get stop(): AbortSignal {
    return this.#stop.signal
  }
  get asked(): AbortSignal {
    return this.#asked.signal
  }
  get forceStop(): AbortSignal {
    return this.#forceStop.signal
  }
  readonly onStep = (): void => {
    if (this.#asked.signal.aborted && !this.#isHeld()) this.#end(this.#asked.signal.reason)
  }
  /** The one that works on the environment from here on. */
  follow(session: Session): Session {
    this.#session = session
    setLastWords(this.#name, () => standing(session))
    return session
  }
  #isHeld(): boolean {
    return this.#session !== undefined && cutOff(this.#session).length > 0
  }
  #ask(): void {
    if (this.#asked.signal.aborted) return
    this.#asked.abort(this.#app.stop.reason)
    if (this.#session === undefined || !this.#isHeld()) return this.#end(this.#app.stop.reason)
    const cut = cutOff(this.#session)
    const would = cut.every(({ sure }) => sure) ? "would" : "might"
    this.#say(
      "stop",
      `stopping after ${namesOf(this.#session, cut)}: left now, they ${would} hold a value that no longer works (${endsAtOnce})`,
    )
  }
  #end(reason: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#asked.abort(reason)
    this.#stop.abort(reason)
    this.#callOff = countDown(forceStopMs, () => this.#forceStop.abort())
  }
  #say(step: string, message: string): void {
    const say = this.#app.notice ?? this.#app.onProgress
    say(this.#name, step, message)
  }
  release(): void {
    clearInterval(this.#looking)
    this.#callOff()
    this.#app.stop.removeEventListener("abort", this.#stopped)
    // Who only writes a line leaves what an earlier act has left as it stands.
    if (this.#session === undefined) return
    const left = standing(this.#session)
    setLastWords(this.#name, left.cutOff ? () => left : undefined)
    if (!left.cutOff) return
    const until =
      this.#stop.signal.reason === handedOver
        ? "until the run that has asked for this environment has finished; if that one does not, run the same command again"
        : `run ${goesOn(openSets(this.#session.document)[0])}`
    for (const line of left.lines) this.#say("cut off", `${line}; ${until}`)
  }
}

export function ledgerOf(app: App, place: StateKey): FileLedger {
  return new FileLedger(place, app.keys.mac, () => Buffer.from(app.host.random(8)).toString("hex"))
}

/** `serial`: of the state as it was found. */
export async function openEnvironment(
  { app, today, place, stops }: Locked,
  {
    retryBudget,
    noWait,
    isTrusted = agreesWith(app),
    nothingRuns = false,
  }: {
    readonly retryBudget: RetryBudget
    readonly noWait: boolean
    readonly isTrusted?: (document: StateDocument) => boolean
    readonly nothingRuns?: boolean
  },
): Promise<Opened & { readonly serial: number }> {
  const ledger = ledgerOf(app, place)
  const document = withJournal(await ledger.load())
  const { serial } = document
  const run = chooseRun(app, document, { over: nothingRuns })
  const open = (options: EnvironmentConfig): Work =>
    openWork(app, {
      options,
      ledger,
      document,
      run,
      stop: stops.stop,
      forceStop: stops.forceStop,
      stops,
    })
  const begun = document.changeSet && optionsIn(document.changeSet)
  const session = stops.follow(
    new Session(open(begun ?? today), document, { clockDoubted: !isTrusted(document) }),
  )
  await session.flush()
  await tidy(session)
  if (nothingRuns) await declareOver(session)
  await awaitAgain(session)
  const behindMs = await correctInstants(session)
  const opened = (now: Session, recovered: Outcomes): Opened & { readonly serial: number } => ({
    serial,
    session: now,
    recovered,
    behindMs,
    resumeDeferred: (secrets) => resumeDeferred(now, { open, secrets, noWait, stops }),
  })
  if (begun === undefined) return opened(session, {})
  return orLeave(session, async () => {
    const { session: last, recovered } = await recover(session, {
      begin: (set, found, like) => stops.follow(new Session(open(optionsIn(set)), found, like)),
      resume: (one) => goOn(one, { noWait, retryBudget }),
    })
    const goesOn = last.changeSet === undefined || (noWait && mayMakeWay(last))
    if (!goesOn) return opened(last, recovered)
    const next = stops.follow(new Session(open(today), makeWay(last.document), last))
    return opened(next, recovered)
  })
}

function optionsIn({ startedWith }: ChangeSet): EnvironmentConfig {
  return JSON.parse(startedWith) as EnvironmentConfig
}

function goOn(
  session: Session,
  { noWait, retryBudget }: { readonly noWait: boolean; readonly retryBudget: RetryBudget },
): Promise<Outcomes> {
  const { direction, startedAt } = session.changeSet ?? {}
  session.work.onProgress(
    "resume",
    `${direction === "back" ? "going back" : "going on"} with the rotation of ${startedAt ?? ""}`,
  )
  return noWait
    ? notingWaits(session, () => resume(session, { noWait }))
    : resumeWithRetries(session, retryBudget)
}

/**
 * Nothing in the state contradicts the clock of now. Where something does, one of the two is wrong:
 * the machine may have no clock of its own, and nobody has set its time yet.
 */
export function agreesWith({ host }: App): (document: StateDocument) => boolean {
  return (document) => believable(document, host.now()) === document
}

/**
 * What a clock that ran ahead has written is put right, once, so that a grace does not slide with
 * every look. Returns how
 * far (ms) the state is ahead of a clock that is not trusted: what it says stays.
 */
async function correctInstants(session: Session): Promise<number> {
  const { host } = session.work
  const { document } = session
  const now = host.now()
  const aheadMs = aheadOf(document, now)
  if (session.clockDoubted || isBeforeUs(now)) return aheadMs
  if (believable(document, now) === document) return 0
  const right = gracesOf(host).seen(document)
  const changed = Object.entries(right.secrets).filter(
    ([name, state]) => state !== document.secrets[name],
  )
  session.work.onProgress(
    "clock",
    "the state knows of times that have not come: the clock is behind now, or was ahead when it was written; they are put right by the clock of now",
  )
  await session.commit({
    patches: Object.fromEntries(changed.map(([name, state]) => [name, () => state])),
    ...present({ changeSet: right.changeSet, deferred: right.deferred }),
    events: [
      {
        event: "clock-was-ahead",
        aheadSeconds: Math.round(aheadMs / 1000),
        secrets: changed.map(([name]) => name).slice(0, 200),
      },
    ],
    flush: true,
  })
  return 0
}

/** Where an act ends early that `withLogMaintenance` does not hold yet. */
async function orLeave<T>(session: Session, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    await leaveInOrder(session)
    await session.work.ledger.release?.()
    throw error
  }
}

/**
 * Removes the drafts that a crash left: they hold values. What it had renamed must last before
 * anything is built on it. What cannot be done is told, and stops nothing else.
 */
async function tidy(session: Session): Promise<void> {
  await session.work.ledger.tidy?.()
  for (const output of session.work.outputs) {
    try {
      await inTime({
        target: output.target,
        ms: answersWithinMs,
        act: async () => {
          await output.tidy()
          await settleOutput(output.target)
        },
      })
    } catch (error) {
      session.work.onProgress("tidy", describeError(error).message)
    }
  }
}

export function optionsOf(app: App, name: string): EnvironmentConfig {
  const found = app.config.environments[name]
  if (found === undefined)
    throw new AppError("usage", `there is no environment ${name} in the config`, {
      hint: `it has: ${Object.keys(app.config.environments).join(", ")}`,
    })
  return found
}
