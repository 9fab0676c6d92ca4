import { AppError } from "../base/error.ts"
import { driftRemedy } from "../core/drift.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { gracesOf } from "../core/graces.ts"
import type { Credential, Expelled } from "../core/ports.ts"
import {
  type Patch,
  type SecretState,
  type SessionsLeft,
  type Version,
  changeVersion,
  holdsContained,
  owesExpel,
} from "../core/state.ts"
import { changeAt, driverOf, isSilence, probe, said, settle, unsettled } from "./ask.ts"
import { driftCode, driftNotes, hasDrifted } from "./drift.ts"
import { beginActing, hiddenActOf } from "./elsewhere.ts"
import type { Session } from "./session.ts"
import { deadlines } from "./work.ts"

export type Death =
  /** `notes`: what a person must know besides. `expelled`: a containment has come to its end by it, but for the sessions that it names. */
  | {
      readonly is: "dead"
      readonly sessionsEnded: number
      readonly notes?: readonly string[]
      readonly expelled?: { readonly sessionsLeft?: SessionsLeft }
    }
  /** Still accepted although it was taken away. */
  | { readonly is: "alive"; readonly code: string; readonly says: string; readonly hint?: string }
  | { readonly is: "owed"; readonly code: string; readonly says: string; readonly hint?: string }

/** Without a version: what a service accepted that nobody has told us of. */
export type Revoked = { readonly secret: string; readonly version?: string; readonly death: Death }

/** `except`: what has failed in this turn already is not tried a second time. `sessions`: those that an earlier containment could not end are tried again. */
type How = {
  readonly skipGrace: boolean
  readonly secrets?: readonly string[]
  readonly except?: readonly Revoked[]
  readonly sessions?: boolean
}

/** A job of its own, owed until done: takes away what is past its grace (or may be live), and proves that it is dead. */
export async function revokeOwed(session: Session, how: How): Promise<readonly Revoked[]> {
  await beginRevoke(session, how)
  return noteRevoked(session, await takeAway(session, how))
}

/** Before `takeAway`, where that is called by itself. */
export function beginRevoke(session: Session, how: How): Promise<void> {
  return beginActing(session, [
    ...owedVersions(session, how).map(({ name }) => name),
    ...owedExpels(session, how),
  ])
}

/** Its acts at the services, which write nothing: so they may go on beside what is done to other secrets. What became of them must be noted. */
export async function takeAway(session: Session, how: How): Promise<readonly Revoked[]> {
  const owed = Map.groupBy(owedVersions(session, how), ({ name }) => name)
  const all = [...new Set([...owed.keys(), ...owedExpels(session, how)])].map(
    async (name): Promise<readonly Revoked[]> => {
      const versions = (owed.get(name) ?? []).map(({ version }) => version)
      try {
        return await revokeAll(session, name, versions)
      } catch (error) {
        // One that cannot even be opened holds up no other secret.
        return each(name, versions, { is: "owed", ...said(error) })
      }
    },
  )
  return (await Promise.all(all)).flat()
}

export async function noteRevoked(
  session: Session,
  revoked: readonly Revoked[],
): Promise<readonly Revoked[]> {
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  const since = session.work.host.now().toISOString()
  const drifted = driftNotes(
    session,
    revoked.flatMap(({ secret, death }) =>
      death.is === "owed" && death.code === driftCode ? [secret] : [],
    ),
  )
  events.push(...drifted.events)
  for (const one of revoked) {
    const { secret, version, death } = one
    if (isNothingNew(session, one) || (death.is === "owed" && death.code === driftCode)) continue
    events.push({ ...eventOf(session, secret, version), ...whatOf(death, version) })
    if (death.is !== "dead") continue
    const earlier = patches[secret] ?? ((state: SecretState) => state)
    const kept: Patch =
      version === undefined
        ? (state) => state
        : changeVersion(version, (old) => ({ ...old, stage: { is: "kept", since } }))
    patches[secret] = (state) => ended(death)(kept(earlier(state)))
  }
  for (const [secret, note] of Object.entries(drifted.patches)) {
    const earlier = patches[secret] ?? ((state: SecretState) => state)
    patches[secret] = (state) => note(earlier(state))
  }
  if (events.length > 0) await session.commit({ patches, events, flush: true })
  return revoked
}

function whatOf(
  death: Death,
  version: string | undefined,
): Omit<AuditEvent, "secret" | "version"> & { readonly event: string } {
  if (death.is !== "dead") return { event: "revoke-failed", code: death.code }
  const { sessionsEnded, notes, expelled: { sessionsLeft: left } = {} } = death
  const said =
    left === undefined
      ? {}
      : {
          sessionsLeft: left.code,
          sessionsSays: left.says,
          ...(left.hint === undefined ? {} : { sessionsHint: left.hint }),
        }
  return {
    event: version === undefined ? "expel" : "revoke",
    sessionsEnded,
    ...(notes === undefined ? {} : { notes }),
    ...said,
  }
}

/** Sessions that could not be ended were tried again, and cannot be ended still. */
export function isNothingNew(session: Session, { secret, version, death }: Revoked): boolean {
  const { contained } = session.state(secret)
  if (version !== undefined || contained?.owes === true || contained?.sessions === undefined)
    return false
  if (death.is !== "dead") return death.is === "owed" && death.code !== "no-counter-proof"
  return death.sessionsEnded === 0 && death.expelled?.sessionsLeft?.says === contained.sessions.says
}

/** The containment owes nothing more. */
function ended({ expelled }: Extract<Death, { readonly is: "dead" }>): Patch {
  return ({ contained, ...state }) => {
    if (contained === undefined) return state
    if (expelled === undefined) return { ...state, contained }
    const { owes: _owes, sessions: _sessions, ...rest } = contained
    return {
      ...state,
      contained: {
        ...rest,
        ...(expelled.sessionsLeft === undefined ? {} : { sessions: expelled.sessionsLeft }),
      },
    }
  }
}

function eventOf(
  session: Session,
  secret: string,
  version: string | undefined,
): Omit<AuditEvent, "event"> {
  const state = session.state(secret)
  const stage = state.versions.find((one) => one.id === version)?.stage
  const incident =
    version === undefined || (stage?.is === "previous" && stage.expel === true)
      ? state.contained?.incident
      : undefined
  return {
    secret,
    ...(version === undefined ? {} : { version }),
    ...(incident === undefined ? {} : { incident }),
  }
}

/** One answer about all of them; at least one, for what nobody has told us of. */
function each(secret: string, versions: readonly Version[], death: Death): readonly Revoked[] {
  if (versions.length === 0) return [{ secret, death }]
  // What was done once is said once.
  return versions.map(({ id }, index) => ({
    secret,
    version: id,
    death: index > 0 && death.is === "dead" ? { is: "dead", sessionsEnded: 0 } : death,
  }))
}

/** What could be revoked now. Versions of a secret in a change set that is not finished wait for its end. */
export function owedVersions(
  session: Session,
  how: How,
): readonly { readonly name: string; readonly version: Version }[] {
  const now = session.work.host.now().getTime()
  const owed: { name: string; version: Version }[] = []
  for (const [name, state] of Object.entries(
    gracesOf(session.work.host).seen(session.document).secrets,
  )) {
    if (!isFree(session, name, how)) continue
    for (const version of state.versions) {
      const due =
        version.stage.is === "doubtful" ||
        (version.stage.is === "previous" &&
          (how.skipGrace || Date.parse(version.stage.revokeAt) <= now))
      if (due) owed.push({ name, version })
    }
  }
  return owed
}

function isFree(session: Session, name: string, { secrets, except }: How): boolean {
  if (session.work.drivers[name] === undefined || session.isOpen(name)) return false
  if (except?.some(({ secret, death }) => secret === name && death.is !== "dead") === true)
    return false
  // Without a current value that is accepted no death can be proven, and none may be brought about.
  return (
    session.state(name).drift === undefined && (secrets === undefined || secrets.includes(name))
  )
}

/** Where a containment has still to take away what its service accepted before, though no version tells of it. Not beside a value that was adopted since: of that nobody knows how old its sessions are. */
function owedExpels(session: Session, how: How): readonly string[] {
  return Object.entries(session.document.secrets).flatMap(([name, state]) => {
    const owes =
      state.contained?.owes === true ||
      (how.sessions === true && state.contained?.sessions !== undefined)
    return owes && holdsContained(state) && isFree(session, name, how) ? [name] : []
  })
}

/** Each by itself; or, where an incident took their place, all at once. */
async function revokeAll(
  session: Session,
  name: string,
  versions: readonly Version[],
): Promise<readonly Revoked[]> {
  const state = session.state(name)
  const contains = versions.length === 0 || (owesExpel(state) && holdsContained(state))
  const quiet = await isQuiet(session, name, versions)
  if (quiet && contains) return expelAll(session, name, versions)
  // Beside a program that may still run no other is started, not for a login either.
  if (!quiet && hiddenActOf(session, name) !== undefined)
    return each(name, versions, { is: "owed", ...unsettled(session, name) })
  const deaths = quiet
    ? await Promise.all(versions.map((version) => revokeOne(session, name, version)))
    : each(name, versions, { is: "owed", ...unsettled(session, name) })
  // What proves a death is missing where the current value has gone: that is found, not another reason made up. Who is silent is not asked once more.
  if (
    contains ||
    !deaths.some(({ death }) => death.is !== "dead" && !isSilence(death.code)) ||
    !(await hasDrifted(session, name))
  )
    return deaths
  return deaths.map((one) =>
    one.death.is === "dead"
      ? one
      : { ...one, death: drifted(`${session.work.environment}/${name}`) },
  )
}

function drifted(place: string): Death {
  return {
    is: "owed",
    code: driftCode,
    says: "the service refuses the current value, so nothing older is taken away",
    hint: driftRemedy(place),
  }
}

/** An earlier run may have been killed in this very revoke, whose request could land once a younger value is live, and take that away. */
async function isQuiet(
  session: Session,
  name: string,
  versions: readonly Version[],
): Promise<boolean> {
  if (session.quiet.has(name) || driverOf(session, name).overlap === "none") return true
  const { current } = await session.versions(name)
  return settle(session, name, [
    ...(current === undefined ? [] : [current]),
    ...(await Promise.all(versions.map(({ id }) => session.open(name, id)))),
  ])
}

const noCurrent: Death = {
  is: "owed",
  code: "no-current",
  says: "there is no current value to prove the death by",
}

async function revokeOne(session: Session, name: string, version: Version): Promise<Revoked> {
  const old = await session.open(name, version.id)
  const { current } = await session.versions(name)
  const answer = (death: Death): Revoked => ({ secret: name, version: version.id, death })
  if (current === undefined) return answer(noCurrent)
  session.work.tell("revoke", `${version.id}, and a login with it must fail`, name)
  return answer(
    await proveDead(session, name, {
      id: version.id,
      old,
      live: current,
      endSessions: endsSessions(session, name, version),
    }),
  )
}

/** Not where a containment is owed beside a value that was adopted since: of that nobody knows how old its sessions are, so another containment ends them. */
function endsSessions(session: Session, name: string, { stage }: Version): boolean {
  return (
    stage.is === "previous" &&
    stage.endSessions &&
    (stage.expel !== true || holdsContained(session.state(name)))
  )
}

/** Takes `old` away, then proves its death: its login is refused while the same login works with `live`. */
export async function proveDead(
  session: Session,
  name: string,
  about: {
    readonly id: string
    readonly old: Credential
    readonly live: Credential
    readonly endSessions: boolean
  },
): Promise<Death> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { is: "dead", sessionsEnded: 0 }
  let sessionsEnded = 0
  try {
    const done = await changeAt(session, name, deadlines.revoke, (signal) =>
      driver.revoke(about.old, about.live, { endSessions: about.endSessions }, signal),
    )
    sessionsEnded = done.sessionsEnded
  } catch (error) {
    return { is: "owed", ...said(error) }
  }
  return (await notDead(session, name, [about], about.live)) ?? { is: "dead", sessionsEnded }
}

type Old = { readonly id: string; readonly old: Credential }

/** Undefined where a login with each of these is refused, and the same login works with `live`. */
async function notDead(
  session: Session,
  name: string,
  dead: readonly Old[],
  live: Credential,
): Promise<Death | undefined> {
  const ids = dead.map(({ id }) => id).join(", ")
  for (const { id, old } of dead) {
    const answer = await probe(session, name, old)
    if (answer === "accepted")
      return { is: "alive", code: "not-proven-dead", says: `the service still accepts ${id}` }
    if (answer === "unknown")
      return {
        is: "owed",
        code: "no-answer",
        says: `the service gives no clear answer about ${id}`,
      }
  }
  if ((await probe(session, name, live)) === "accepted") return undefined
  return {
    is: "owed",
    code: "no-counter-proof",
    says:
      dead.length === 0
        ? "the service does not accept the current value"
        : `the service refuses ${ids}, but does not accept the current value either`,
  }
}

/** Of the values that were dead before, so many are tried again: somebody who was in may have set one anew. Services lock out who is refused too often. */
const triedAgain = 2

/** A containment's end: only the current value lives, no older session is left, and a login with each of `versions` is refused. */
async function expelAll(
  session: Session,
  name: string,
  versions: readonly Version[],
): Promise<readonly Revoked[]> {
  const answer = (death: Death): readonly Revoked[] => each(name, versions, death)
  const { current } = await session.versions(name)
  if (current === undefined) return answer(noCurrent)
  session.work.tell("revoke", "every value but the current one, and every session of before", name)
  try {
    const { sessionsEnded, notes, sessionsLeft } = await expel(session, name, current)
    const open = async ({ id }: Version): Promise<Old> => ({
      id,
      old: await session.open(name, id),
    })
    const alive = await notDead(session, name, await Promise.all(versions.map(open)), current)
    if (alive !== undefined) return answer(alive)
    for (const one of session
      .state(name)
      .versions.filter(({ stage }) => stage.is === "kept")
      .slice(-triedAgain)) {
      if ((await probe(session, name, (await open(one)).old)) === "accepted")
        return answer({
          is: "alive",
          code: "not-proven-dead",
          says: `the service accepts ${one.id}, which was dead before`,
        })
    }
    const before = session.expelled.get(name) ?? { sessionsEnded: 0, notes: [] }
    const all = [...before.notes, ...notes]
    return answer({
      is: "dead",
      sessionsEnded: sessionsEnded + before.sessionsEnded,
      ...(all.length === 0 ? {} : { notes: all }),
      expelled: sessionsLeft === undefined ? {} : { sessionsLeft },
    })
  } catch (error) {
    return answer({ is: "owed", ...said(error) })
  }
}

/** No value but `live` is accepted, and no session lives that was not opened with it, as far as the service can tell. */
export async function expel(session: Session, name: string, live: Credential): Promise<Expelled> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { sessionsEnded: 0, notes: [] }
  if (driver.expel !== undefined)
    return changeAt(
      session,
      name,
      deadlines.revoke,
      async (signal) => (await driver.expel?.(live, signal)) ?? { sessionsEnded: 0, notes: [] },
    )
  const known = await session.known(name, "all")
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
        await changeAt(session, name, deadlines.revoke, (signal) =>
          driver.revoke(old, live, { endSessions: true }, signal),
        )
      ).sessionsEnded
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "sessions-out-of-reach") throw error
    return {
      sessionsEnded,
      notes,
      sessionsLeft: { code: error.code, says: error.message, hint: endThere },
    }
  }
  return { sessionsEnded, notes, ...(latest.length > 0 ? {} : { sessionsLeft: noneKnown }) }
}

const othersUnknown =
  "the values that mycelium knows were taken away: whether the service accepts others besides, its program cannot tell"
const endThere = "restart what holds them at the service, or end them there by hand"
const noneKnown: SessionsLeft = {
  code: "sessions-out-of-reach",
  says: "no older value is known by which its sessions could be told",
  hint: endThere,
}

/** The value that was current before `live`: sessions of before are its. Where they are tried once more, it was the last to die. */
function latestBefore(session: Session, name: string, live: Credential): string | undefined {
  const { versions, contained } = session.state(name)
  const before =
    versions.findLast(({ stage }) => stage.is === "previous") ??
    versions.find(({ stage, id }) => stage.is === "current" && id !== live.version)
  if (
    before !== undefined ||
    contained?.sessions === undefined ||
    contained.sessions.says === noneKnown.says
  )
    return before?.id
  const since = ({ stage }: Version): string => (stage.is === "kept" ? stage.since : "")
  return versions.reduce<Version | undefined>(
    (last, one) => (since(one) > (last === undefined ? "" : since(last)) ? one : last),
    undefined,
  )?.id
}
