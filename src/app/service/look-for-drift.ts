import { AppError } from "../../base/error.ts"
import type { AuditEvent } from "../../core/audit-line.ts"
import { type Patch } from "../../core/state.ts"
import { versionAt } from "../../core/version.ts"
import { loadUnlocked } from "../../record/ledger.ts"
import type { StateKey } from "../../record/state-file.ts"
import { probe, probeControl, unclear } from "../../rotate/ask.ts"
import { hiddenActOf } from "../../rotate/elsewhere.ts"
import { Session } from "../../rotate/session.ts"
import type { App } from "../app.ts"
import { refuseTaken } from "../belongs.ts"
import { agreesWith } from "../environment/correct-instants.ts"
import { withLogMaintenance } from "../environment/leave.ts"
import { type Locked, withLock } from "../environment/lock.ts"
import { ledgerOf } from "../ledger-of.ts"
import { optionsOf } from "../options-of.ts"
import { openWork } from "../open.ts"

/** What has changed since the last look: the service refuses a current value, or takes it again. */
export type Drift = {
  readonly secret: string
  readonly version: string
  readonly kind: "refused" | "accepted"
}
/**
 * It is not known whether the service takes the current value, for this reason. Nothing is noted,
 * and nothing more is asked before the next look.
 */
export type Unclear = {
  readonly secret: string
  readonly kind: "unknown"
  readonly code: string
  readonly message: string
}
export type Seen = Drift | Unclear

/** True if some secret of the environment is asked for by a service. */
export function hasServices(app: App, environment: string): boolean {
  return Object.values(optionsOf(app, environment).secrets).some(({ driver, options }) => {
    const type = app.plugins.drivers.find((one) => one.type === driver)
    return type !== undefined && type.overlap(type.options.parse(options)) !== "none"
  })
}

/**
 * One login with each current value, and no second one before the next look. The environment is not
 * locked meanwhile, and nothing is asked while a journal is open. Only a change is written down, once,
 * and only if the state is still the same; undefined: not now, for a run is at work. `isSteady`: does
 * the clock run true?
 */
export async function lookForDrift(
  app: App,
  environment: string,
  isSteady: () => boolean,
): Promise<readonly Seen[] | undefined> {
  const options = optionsOf(app, environment)
  const place: StateKey = { store: app.config.store, project: app.config.project, environment }
  const document = await loadUnlocked(ledgerOf(app, place), place, app)
  await refuseTaken(app, options, document)
  if (document.changeSet !== undefined) return undefined
  const session = new Session(
    openWork(app, {
      options,
      ledger: ledgerOf(app, place),
      document,
      stop: app.stop,
      forceStop: app.stop,
    }),
    document,
    { clockDoubted: true },
  )
  const seen = (
    await Promise.all(Object.keys(session.work.drivers).map((name) => probeDrift(session, name)))
  ).filter((one) => one !== undefined)
  if (app.stop.aborted) return []
  const unclear = seen.filter((one) => one.kind === "unknown")
  const changes = seen.filter((one) => one.kind !== "unknown")
  if (changes.length === 0) return unclear
  try {
    const noted = await withLock(app, environment, (locked) =>
      note(locked, { serial: document.serial, isSteady, changes }),
    )
    return noted === undefined ? undefined : [...noted, ...unclear]
  } catch (error) {
    if (error instanceof AppError && error.code === "locked") return undefined
    throw error
  }
}

async function probeDrift(session: Session, name: string): Promise<Seen | undefined> {
  const state = session.state(name)
  const current = versionAt(state, "current")
  if (session.isOpen(name) || hiddenActOf(session, name) !== undefined) return undefined
  if (current === undefined || session.work.drivers[name]?.overlap === "none") return undefined
  const credential = await session.open(name, current.id)
  const answer = await probe(session, name, credential)
  if (answer === "refused")
    return state.drift === undefined
      ? { secret: name, version: current.id, kind: "refused" }
      : undefined
  if (answer === "unknown")
    return { secret: name, kind: "unknown", ...(session.faults.get(name) ?? silent(session, name)) }
  if (answer !== "accepted" || state.drift === undefined) return undefined
  // A service that has begun to accept anything has not come back.
  return (await probeControl(session, name, credential)) === "refused"
    ? { secret: name, version: current.id, kind: "accepted" }
    : undefined
}

function silent(
  session: Session,
  name: string,
): { readonly code: string; readonly message: string } {
  return {
    code: "no-answer",
    message: unclear(
      session,
      name,
      "the service gives no clear answer to a login with the current value",
    ),
  }
}

type Noting = {
  readonly serial: number
  readonly isSteady: () => boolean
  readonly changes: readonly Drift[]
}

/**
 * Each value that ever goes to a service is written down first, so an unchanged state means that
 * the answers are still about its values.
 */
async function note(
  locked: Locked,
  { serial, isSteady, changes }: Noting,
): Promise<readonly Drift[] | undefined> {
  const { app, today, place, stops } = locked
  const ledger = ledgerOf(app, place)
  const document = await ledger.load()
  if (document.serial !== serial || document.changeSet !== undefined) return undefined
  const { stop, forceStop } = stops
  const work = openWork(app, {
    options: today,
    ledger,
    document,
    stop,
    forceStop,
    startsNothing: true,
  })
  const session = new Session(work, document, {
    clockDoubted: !isSteady() || !agreesWith(app)(document),
  })
  const since = app.host.now().toISOString()
  await withLogMaintenance(locked, { session, serial }, () =>
    session.commit({
      patches: Object.fromEntries(changes.map((one) => [one.secret, patchOf(one, since)])),
      events: changes.map(eventOf),
      flush: true,
    }),
  )
  return changes
}

function patchOf({ kind }: Drift, since: string): Patch {
  return ({ drift: _drift, ...state }) =>
    kind === "refused" ? { ...state, drift: { since, code: "current-refused" } } : state
}

function eventOf({ kind, secret, version }: Drift): AuditEvent {
  return kind === "refused"
    ? { event: "drift", secret, version, code: "current-refused" }
    : { event: "drift-over", secret, version }
}
