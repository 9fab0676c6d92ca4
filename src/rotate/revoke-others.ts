import { AppError, describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { Credential, OthersRevoked } from "../core/ports.ts"
import type { SessionsLeft } from "../core/state.ts"
import type { Version } from "../core/version.ts"
import { driverOf, probe } from "./ask.ts"
import { changeAt } from "./at-service.ts"
import { type Death, noCurrent, notDead, type Old } from "./death.ts"
import { overrules } from "./overrule.ts"
import type { Session } from "./session.ts"
import { untilOver } from "./under-way.ts"
import { deadlines } from "./work.ts"

/**
 * How many of the values that were dead before are tried again: an intruder may have set one anew.
 * No more, since services lock out a login that is refused too often.
 */
const triedAgain = 2

/**
 * A containment's end: only the current value lives, no older session is left, and a login with
 * each of `versions` is refused.
 */
export async function expelAll(
  session: Session,
  name: string,
  versions: readonly Version[],
): Promise<Death> {
  const { current } = await session.versions(name)
  if (current === undefined) return noCurrent
  session.work.onProgress(
    "revoke",
    "every value but the current one, and every session of before",
    name,
  )
  try {
    const dead = await Promise.all(
      versions.map(async ({ id }) => ({ id, old: await session.open(name, id) })),
    )
    return await expelFor(session, name, { dead, live: current })
  } catch (error) {
    return { kind: "owed", ...describeError(error) }
  }
}

type Expelling = {
  readonly dead: readonly Old[]
  readonly live: Credential
  /**
   * What was done before the current value was set again, and since when the service has it now.
   */
  readonly before?: { readonly sessionsEnded: number; readonly acceptedAt: string | undefined }
}

async function expelFor(
  session: Session,
  name: string,
  { dead, live, before }: Expelling,
): Promise<Death> {
  const { sessionsEnded, notes, sessionsLeft } = await revokeOthers(session, name, live, {
    waits: true,
  })
  const alive = await notDead(session, name, dead, live)
  if (alive !== undefined) {
    if (before !== undefined || !(await mayReclaim(session, name, alive, live))) return alive
    const { acceptedAt } = await reclaim(session, name, live)
    const since = acceptedAt === undefined ? {} : { acceptedAt }
    return expelFor(session, name, {
      dead,
      live: { ...live, ...since },
      before: { sessionsEnded, acceptedAt },
    })
  }
  const again = await deadBefore(session, name)
  if (again !== undefined) return again
  const cut = session.othersRevoked.get(name) ?? { sessionsEnded: 0, notes: [] }
  const all = [...cut.notes, ...notes]
  return {
    kind: "dead",
    sessionsEnded: sessionsEnded + cut.sessionsEnded + (before?.sessionsEnded ?? 0),
    ...(all.length === 0 ? {} : { notes: all }),
    expelled: {
      ...present({ sessionsLeft }),
      ...(before?.acceptedAt === undefined ? {} : { acceptedAt: before.acceptedAt }),
    },
  }
}

/** Undefined where those of the last that died are refused still. */
async function deadBefore(session: Session, name: string): Promise<Death | undefined> {
  const kept = session.state(name).versions.filter(({ stage }) => stage.kind === "retired")
  for (const { id } of kept.slice(-triedAgain))
    if ((await probe(session, name, await session.open(name, id))) === "accepted")
      return {
        kind: "alive",
        code: "not-proven-dead",
        message: `the service accepts ${id}, which should be dead`,
      }
  return undefined
}

/**
 * Who was still in has set another value over the current one, until just now. Outputs and programs
 * have the current one: so it is that one which is set again.
 */
async function mayReclaim(
  session: Session,
  name: string,
  death: Death,
  live: Credential,
): Promise<boolean> {
  return (
    death.kind === "owed" &&
    death.code === "no-counter-proof" &&
    overrules(driverOf(session, name)) &&
    (await probe(session, name, live)) === "refused"
  )
}

/** Who has set another value over one that was proven is at it still. */
const triesBefore = 2

async function reclaim(
  session: Session,
  name: string,
  live: Credential,
): Promise<{ readonly acceptedAt?: string }> {
  session.work.onProgress("apply", "another value was set meanwhile: the current one again", name)
  const versions = await session.versions(name)
  return changeAt(session, name, deadlines.apply, (signal) =>
    driverOf(session, name).apply(live, versions, signal, {
      contain: true,
      again: triesBefore,
    }),
  )
}

/**
 * No value but `live` is accepted, and no session lives that was not opened with it, as far as the
 * service can tell. `waits`: for logins that are under way, too.
 */
export async function revokeOthers(
  session: Session,
  name: string,
  live: Credential,
  { waits }: { readonly waits: boolean },
): Promise<OthersRevoked> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { sessionsEnded: 0, notes: [] }
  if (driver.revokeOthers !== undefined) {
    const act = async (signal: AbortSignal, waitedMs: number): Promise<OthersRevoked> =>
      (await driver.revokeOthers?.(live, signal, waitedMs)) ?? { sessionsEnded: 0, notes: [] }
    // While programs are cut off nothing is waited for: they come first, and this is owed still.
    return waits
      ? untilOver(session, name, act)
      : changeAt(session, name, deadlines.revoke, (signal) => act(signal, 0))
  }
  return revokeKnown(session, name, live)
}

/** All that can be done without the driver's help: each version that is known is revoked. */
async function revokeKnown(
  session: Session,
  name: string,
  live: Credential,
): Promise<OthersRevoked> {
  const driver = driverOf(session, name)
  const known = await session.issued(name, "all")
  let sessionsEnded = 0
  // The sessions last: none of them may open another by an old value meanwhile.
  for (const old of known)
    if (old.version !== live.version)
      await changeAt(session, name, deadlines.revoke, (signal) =>
        driver.revoke(old, live, { endSessions: false }, signal),
      )
  const last = latestBefore(session, name, live)
  const latest = known.filter(({ version }) => version === last)
  const notes = driver.overlap === "both" ? [othersUnknown] : []
  try {
    for (const old of latest)
      sessionsEnded += (
        await untilOver(session, name, (signal, waitedMs) =>
          driver.revoke(old, live, { endSessions: true, waitedMs }, signal),
        )
      ).sessionsEnded
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "sessions-out-of-reach") throw error
    return {
      sessionsEnded,
      notes,
      sessionsLeft: { code: error.code, message: error.message, hint: endThere },
    }
  }
  return { sessionsEnded, notes, ...(latest.length > 0 ? {} : { sessionsLeft: noneKnown }) }
}

const othersUnknown =
  "the values that mycelium knows were taken away: whether the service accepts others " +
  "besides, its program cannot tell"
const endThere = "restart what holds them at the service, or end them there by hand"
const noneKnown: SessionsLeft = {
  code: "sessions-out-of-reach",
  message: "no older value is known by which its sessions could be told",
  hint: endThere,
}

/**
 * The value that was current before `live`: sessions of before are its. Where they are tried once
 * more, it was the last to die.
 */
function latestBefore(session: Session, name: string, live: Credential): string | undefined {
  const { versions, contained } = session.state(name)
  const before =
    versions.findLast(({ stage }) => stage.kind === "previous") ??
    versions.find(({ stage, id }) => stage.kind === "current" && id !== live.version)
  if (
    before !== undefined ||
    contained?.sessions === undefined ||
    contained.sessions.message === noneKnown.message
  )
    return before?.id
  const since = ({ stage }: Version): string => (stage.kind === "retired" ? stage.since : "")
  return versions.reduce<Version | undefined>(
    (last, one) => (since(one) > (last === undefined ? "" : since(last)) ? one : last),
    undefined,
  )?.id
}
