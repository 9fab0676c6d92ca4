import { driftRemedy } from "../core/drift.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Credential } from "../core/ports.ts"
import { type Patch, type Version, changeVersion, owesExpel } from "../core/state.ts"
import { changeAt, driverOf, notSettled, probe, said, settle } from "./ask.ts"
import { driftCode, driftNotes, hasDrifted } from "./drift.ts"
import type { Expelled, Session } from "./session.ts"
import { deadlines } from "./work.ts"

export type Death =
  /** `notes`: what a person must know besides. */
  | { readonly is: "dead"; readonly sessionsEnded: number; readonly notes?: readonly string[] }
  /** Still accepted although it was taken away. */
  | { readonly is: "alive"; readonly code: string; readonly says: string; readonly hint?: string }
  | { readonly is: "owed"; readonly code: string; readonly says: string; readonly hint?: string }

export type Revoked = { readonly secret: string; readonly version: string; readonly death: Death }

/** `except`: what has failed in this turn already is not tried a second time. */
type How = { readonly skipGrace: boolean; readonly secrets?: readonly string[]; readonly except?: readonly Revoked[] }

/** A job of its own, owed until done: takes away what is past its grace (or may be live), and proves that it is dead. */
export async function revokeOwed(session: Session, how: How): Promise<readonly Revoked[]> {
  return noteRevoked(session, await takeAway(session, how))
}

/** Its acts at the services, which write nothing: so they may go on beside what is done to other secrets. What became of them must be noted. */
export async function takeAway(session: Session, how: How): Promise<readonly Revoked[]> {
  const owed = Map.groupBy(owedVersions(session, how), ({ name }) => name)
  const all = [...owed].map(async ([name, found]): Promise<readonly Revoked[]> => {
    const versions = found.map(({ version }) => version)
    try {
      return await revokeAll(session, name, versions)
    } catch (error) {
      // One that cannot even be opened holds up no other secret.
      return versions.map(({ id }) => ({ secret: name, version: id, death: { is: "owed", ...said(error) } }))
    }
  })
  return (await Promise.all(all)).flat()
}

export async function noteRevoked(session: Session, revoked: readonly Revoked[]): Promise<readonly Revoked[]> {
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  const since = session.work.host.now().toISOString()
  const drifted = driftNotes(session, revoked.flatMap(({ secret, death }) => (death.is === "owed" && death.code === driftCode ? [secret] : [])))
  events.push(...drifted.events)
  for (const { secret, version, death } of revoked) {
    if (death.is === "owed" && death.code === driftCode) continue
    const what = death.is === "dead" ? { event: "revoke", sessionsEnded: death.sessionsEnded, ...(death.notes === undefined ? {} : { notes: death.notes }) } : { event: "revoke-failed", code: death.code }
    events.push({ ...eventOf(session, secret, version), ...what })
    if (death.is !== "dead") continue
    const earlier = patches[secret]
    const kept = changeVersion(version, (one) => ({ ...one, stage: { is: "kept", since } }))
    patches[secret] = (state) => kept(earlier === undefined ? state : earlier(state))
  }
  if (events.length > 0) await session.commit({ patches: { ...patches, ...drifted.patches }, events, flush: true })
  return revoked
}

function eventOf(session: Session, secret: string, version: string): Omit<AuditEvent, "event"> {
  const state = session.state(secret)
  const stage = state.versions.find((one) => one.id === version)?.stage
  const incident = stage?.is === "previous" && stage.expel === true ? state.contained?.incident : undefined
  return { secret, version, ...(incident === undefined ? {} : { incident }) }
}

/** What could be revoked now. Versions of a secret in a change set that is not finished wait for its end. */
export function owedVersions(session: Session, how: How): readonly { readonly name: string; readonly version: Version }[] {
  const now = session.work.host.now().getTime()
  const owed: { name: string; version: Version }[] = []
  for (const [name, state] of Object.entries(session.document.secrets)) {
    if (session.work.drivers[name] === undefined || session.isOpen(name)) continue
    // Without a current value that is accepted no death can be proven, and none may be brought about.
    if (state.drift !== undefined) continue
    if (how.secrets !== undefined && !how.secrets.includes(name)) continue
    if (how.except?.some(({ secret, death }) => secret === name && death.is !== "dead") === true) continue
    for (const version of state.versions) {
      const due = version.stage.is === "doubtful" || (version.stage.is === "previous" && (how.skipGrace || Date.parse(version.stage.revokeAt) <= now))
      if (due) owed.push({ name, version })
    }
  }
  return owed
}

/** Each by itself; or, where an incident took their place, all at once. */
async function revokeAll(session: Session, name: string, versions: readonly Version[]): Promise<readonly Revoked[]> {
  const quiet = await isQuiet(session, name, versions)
  if (quiet && owesExpel(versions)) return expelAll(session, name, versions)
  const deaths = quiet ? await Promise.all(versions.map((version) => revokeOne(session, name, version))) : versions.map(({ id }): Revoked => ({ secret: name, version: id, death: { is: "owed", ...notSettled } }))
  // What proves a death is missing where the current value has gone: that is found, not another reason made up.
  if (owesExpel(versions) || deaths.every(({ death }) => death.is === "dead") || !(await hasDrifted(session, name))) return deaths
  return deaths.map((one) => (one.death.is === "dead" ? one : { ...one, death: drifted(`${session.work.environment}/${name}`) }))
}

function drifted(place: string): Death {
  return { is: "owed", code: driftCode, says: "the service refuses the current value, so nothing older is taken away", hint: driftRemedy(place) }
}

/** An earlier run may have been killed in this very revoke, whose request could land once a younger value is live, and take that away. */
async function isQuiet(session: Session, name: string, versions: readonly Version[]): Promise<boolean> {
  if (session.quiet.has(name) || driverOf(session, name).overlap === "none") return true
  const { current } = await session.versions(name)
  return settle(session, name, [...(current === undefined ? [] : [current]), ...(await Promise.all(versions.map(({ id }) => session.open(name, id))))])
}

const noCurrent: Death = { is: "owed", code: "no-current", says: "there is no current value to prove the death by" }

async function revokeOne(session: Session, name: string, version: Version): Promise<Revoked> {
  const old = await session.open(name, version.id)
  const { current } = await session.versions(name)
  const answer = (death: Death): Revoked => ({ secret: name, version: version.id, death })
  if (current === undefined) return answer(noCurrent)
  session.work.tell("revoke", `${version.id}, and a login with it must fail`, name)
  return answer(await proveDead(session, name, { id: version.id, old, live: current, endSessions: version.stage.is === "previous" && version.stage.endSessions }))
}

/** Takes `old` away, then proves its death: its login is refused while the same login works with `live`. */
export async function proveDead(session: Session, name: string, about: { readonly id: string; readonly old: Credential; readonly live: Credential; readonly endSessions: boolean }): Promise<Death> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { is: "dead", sessionsEnded: 0 }
  let sessionsEnded = 0
  try {
    const done = await changeAt(session, name, deadlines.revoke, (signal) => driver.revoke(about.old, about.live, { endSessions: about.endSessions }, signal))
    sessionsEnded = done.sessionsEnded
  } catch (error) {
    return { is: "owed", ...said(error) }
  }
  return (await notDead(session, name, [about], about.live)) ?? { is: "dead", sessionsEnded }
}

type Old = { readonly id: string; readonly old: Credential }

/** Undefined where a login with each of these is refused, and the same login works with `live`. */
async function notDead(session: Session, name: string, dead: readonly Old[], live: Credential): Promise<Death | undefined> {
  const ids = dead.map(({ id }) => id).join(", ")
  for (const { id, old } of dead) {
    const answer = await probe(session, name, old)
    if (answer === "accepted") return { is: "alive", code: "not-proven-dead", says: `the service still accepts ${id}` }
    if (answer === "unknown") return { is: "owed", code: "no-answer", says: `the service gives no clear answer about ${id}` }
  }
  if ((await probe(session, name, live)) === "accepted") return undefined
  return { is: "owed", code: "no-counter-proof", says: `the service refuses ${ids}, but does not accept the current value either` }
}

/** Of the values that were dead before, so many are tried again: somebody who was in may have set one anew. Services lock out who is refused too often. */
const triedAgain = 2

/** A containment's end: only the current value lives, no older session is left, and a login with each of `versions` is refused. */
async function expelAll(session: Session, name: string, versions: readonly Version[]): Promise<readonly Revoked[]> {
  const answer = (death: Death): readonly Revoked[] => versions.map(({ id }, index) => ({ secret: name, version: id, death: index > 0 && death.is === "dead" ? { is: "dead", sessionsEnded: 0 } : death }))
  const { current } = await session.versions(name)
  if (current === undefined) return answer(noCurrent)
  session.work.tell("revoke", "every value but the current one, and every session of before", name)
  try {
    const { sessionsEnded, notes } = await expel(session, name, current)
    const open = async ({ id }: Version): Promise<Old> => ({ id, old: await session.open(name, id) })
    const alive = await notDead(session, name, await Promise.all(versions.map(open)), current)
    if (alive !== undefined) return answer(alive)
    for (const one of session.state(name).versions.filter(({ stage }) => stage.is === "kept").slice(-triedAgain)) {
      if ((await probe(session, name, (await open(one)).old)) === "accepted") return answer({ is: "alive", code: "not-proven-dead", says: `the service accepts ${one.id}, which was dead before` })
    }
    const before = session.expelled.get(name) ?? { sessionsEnded: 0, notes: [] }
    const all = [...before.notes, ...notes]
    return answer({ is: "dead", sessionsEnded: sessionsEnded + before.sessionsEnded, ...(all.length === 0 ? {} : { notes: all }) })
  } catch (error) {
    return answer({ is: "owed", ...said(error) })
  }
}

/** No value but `live` is accepted, and no session lives that was not opened with it, as far as the service can tell. */
export async function expel(session: Session, name: string, live: Credential): Promise<Expelled> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { sessionsEnded: 0, notes: [] }
  if (driver.expel !== undefined) return changeAt(session, name, deadlines.revoke, async (signal) => (await driver.expel?.(live, signal)) ?? { sessionsEnded: 0, notes: [] })
  const known = await session.known(name, "all")
  let sessionsEnded = 0
  // The sessions last: none of them may open another by an old value meanwhile.
  for (const old of known) if (old.version !== live.version) await changeAt(session, name, deadlines.revoke, (signal) => driver.revoke(old, live, { endSessions: false }, signal))
  for (const old of known) {
    if (old.version === live.version || !isLatest(session, name, old.version)) continue
    sessionsEnded += (await changeAt(session, name, deadlines.revoke, (signal) => driver.revoke(old, live, { endSessions: true }, signal))).sessionsEnded
  }
  return { sessionsEnded, notes: [] }
}

/** The value that was current until now: sessions of before are its. */
function isLatest(session: Session, name: string, id: string): boolean {
  const { versions } = session.state(name)
  const latest = versions.findLast(({ stage }) => stage.is === "previous") ?? versions.find(({ stage }) => stage.is === "current")
  return latest?.id === id
}
