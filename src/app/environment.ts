import { AppError } from "../base/error.ts"
import { takeLock } from "../base/lock.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import { FileLedger } from "../record/ledger.ts"
import { type Place, lockPath, makeStateFolder } from "../record/state-file.ts"
import { said } from "../rotate/ask.ts"
import { resume } from "../rotate/rotate.ts"
import { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"
import type { App } from "./app.ts"
import { openWork } from "./open.ts"

/** How long, and how often, a service that gives no clear answer is asked again before a person hears of it. */
export type Patience = { readonly totalMs: number; readonly pauseMs: number }
export const patient: Patience = { totalMs: 30_000, pauseMs: 1000 }

export type Opened = {
  /** Opened with today's config, unless a journal is still open. */
  readonly session: Session
  /** What became of a journal that an earlier run left; empty if there was none. */
  readonly recovered: Outcomes
}

/**
 * The pipeline around every act on an environment: lock it, load and check the state, end what a crash left, with the
 * options that it was started with; only then look at today's config.
 */
export async function withEnvironment<T>(app: App, name: string, patience: Patience, act: (opened: Opened) => Promise<T>): Promise<T> {
  // First, so that a mistyped name leaves no lock file behind.
  const today = optionsOf(app, name)
  const place: Place = { store: app.config.store, project: app.config.project, environment: name }
  await makeStateFolder(place)
  const lock = await takeLock(lockPath(place), app.holder)
  if ("heldBy" in lock) throw new AppError("locked", `${name} is being worked on by ${lock.heldBy}`, { remedy: "retry", hint: "wait until it is done, and try again" })
  try {
    return await act(await openEnvironment(app, today, place, patience))
  } finally {
    lock.release()
  }
}

async function openEnvironment(app: App, today: EnvironmentConfig, place: Place, patience: Patience): Promise<Opened> {
  const ledger = new FileLedger(place, app.keys.mac, () => Buffer.from(app.host.random(8)).toString("hex"))
  const document = await ledger.load()
  const begun = document.changeSet === undefined ? undefined : (JSON.parse(document.changeSet.startedWith) as EnvironmentConfig)
  const session = new Session(openWork(app, begun ?? today, ledger, document.id), document)
  await session.flush()
  await tidy(session)
  if (begun === undefined) return { session, recovered: {} }
  session.work.tell("resume", `${document.changeSet?.direction === "back" ? "going back" : "going on"} with the rotation of ${document.changeSet?.startedAt ?? ""}`)
  const recovered = await resumePatiently(session, patience)
  if (session.changeSet !== undefined) return { session, recovered }
  return { session: new Session(openWork(app, today, ledger, document.id), session.document), recovered }
}

/** Removes the drafts that a crash left: they hold values. One that cannot be removed is told, and stops nothing else. */
async function tidy(session: Session): Promise<void> {
  for (const output of session.work.outputs) {
    try {
      await output.tidy()
    } catch (error) {
      session.work.tell("tidy", said(error).says)
    }
  }
}

export function optionsOf(app: App, name: string): EnvironmentConfig {
  const found = app.config.environments[name]
  if (found === undefined) throw new AppError("usage", `there is no environment ${name} in the config`, { hint: `it has: ${Object.keys(app.config.environments).join(", ")}` })
  return found
}

/** Carries on with the open journal until it ends, or nothing more can be learnt for now. */
export async function resumePatiently(session: Session, patience: Patience, first?: Outcomes): Promise<Outcomes> {
  const { host, stop } = session.work
  let outcomes: Outcomes = first ?? (await resume(session))
  let all = { ...outcomes }
  for (let waitedMs = 0; session.changeSet !== undefined && waitedMs < patience.totalMs && !stop.aborted; waitedMs += patience.pauseMs) {
    if (!Object.values(outcomes).some((one) => one.is === "waiting")) break
    await host.pause(patience.pauseMs, stop)
    outcomes = await resume(session)
    all = { ...all, ...outcomes }
  }
  return all
}
