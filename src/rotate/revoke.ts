import { describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { driftRemedy } from "../core/drift.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { gracesOf } from "../core/graces.ts"
import type { Credential } from "../core/ports.ts"
import {
  type Patch,
  type SecretState,
  type Version,
  changeVersion,
  holdsContained,
  owesRevokeOthers,
} from "../core/state.ts"
import { type Death, noCurrent, notDead } from "./death.ts"
import { driverOf, isSilence, settle, unsettled } from "./ask.ts"
import { driftCode, driftNotes, hasDrifted } from "./drift.ts"
import { beginActing, hiddenActOf } from "./elsewhere.ts"
import { expelAll } from "./revoke-others.ts"
import type { Session } from "./session.ts"
import { untilOver } from "./under-way.ts"

/** Without a version: what a service accepted that nobody has told us of. */
export type Revoked = { readonly secret: string; readonly version?: string; readonly death: Death }

/**
 * `except`: what has failed in this turn already is not tried a second time. `sessions`: those that
 * an earlier containment could not end are tried again.
 */
type RevokeOptions = {
  readonly skipGrace: boolean
  readonly secrets?: readonly string[]
  readonly except?: readonly Revoked[]
  readonly sessions?: boolean
}

/**
 * A job of its own, owed until done: takes away what is past its grace (or may be live), and proves
 * that it is dead.
 */
export async function revokeOwed(
  session: Session,
  options: RevokeOptions,
): Promise<readonly Revoked[]> {
  await beginRevoke(session, options)
  return noteRevoked(session, await takeAway(session, options))
}

/** Before `takeAway`, where that is called by itself. */
export function beginRevoke(session: Session, options: RevokeOptions): Promise<void> {
  return beginActing(session, [
    ...owedVersions(session, options).map(({ name }) => name),
    ...owedRevokeOthers(session, options),
  ])
}

/**
 * Its acts at the services, which write nothing: so they may go on beside what is done to other
 * secrets. What became of them must be noted.
 */
export async function takeAway(
  session: Session,
  options: RevokeOptions,
): Promise<readonly Revoked[]> {
  const owed = Map.groupBy(owedVersions(session, options), ({ name }) => name)
  const all = [...new Set([...owed.keys(), ...owedRevokeOthers(session, options)])].map(
    async (name): Promise<readonly Revoked[]> => {
      const versions = (owed.get(name) ?? []).map(({ version }) => version)
      try {
        return await revokeAll(session, name, versions)
      } catch (error) {
        // One that cannot even be opened holds up no other secret.
        return each(name, versions, { kind: "owed", ...describeError(error) })
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
      death.kind === "owed" && death.code === driftCode ? [secret] : [],
    ),
  )
  events.push(...drifted.events)
  for (const one of revoked) {
    const { secret, version, death } = one
    if (isNothingNew(session, one) || (death.kind === "owed" && death.code === driftCode)) continue
    events.push({ ...eventOf(session, secret, version), ...whatOf(death, version) })
    if (death.kind !== "dead") continue
    const earlier = patches[secret] ?? ((state: SecretState) => state)
    const kept: Patch =
      version === undefined
        ? (state) => state
        : changeVersion(version, (old) => ({ ...old, stage: { kind: "retired", since } }))
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
  if (death.kind !== "dead") return { event: "revoke-failed", code: death.code }
  const { sessionsEnded, notes, expelled: { sessionsLeft: left } = {} } = death
  const said =
    left === undefined
      ? {}
      : {
          sessionsLeft: left.code,
          sessionsSays: left.message,
          ...present({ sessionsHint: left.hint }),
        }
  return {
    event: version === undefined ? "revoke-others" : "revoke",
    sessionsEnded,
    ...present({ notes }),
    ...said,
  }
}

/** Sessions that could not be ended were tried again, and cannot be ended still. */
export function isNothingNew(session: Session, { secret, version, death }: Revoked): boolean {
  const { contained } = session.state(secret)
  if (version !== undefined || contained?.owes === true || contained?.sessions === undefined)
    return false
  if (death.kind !== "dead") return death.kind === "owed" && death.code !== "no-counter-proof"
  return (
    death.sessionsEnded === 0 &&
    death.expelled?.sessionsLeft?.message === contained.sessions.message
  )
}

/** The containment owes nothing more. */
function ended({ expelled }: Extract<Death, { readonly kind: "dead" }>): Patch {
  return ({ contained, ...state }) => {
    if (contained === undefined) return state
    if (expelled === undefined) return { ...state, contained }
    const { owes: _owes, sessions: _sessions, ...rest } = contained
    const { acceptedAt } = expelled
    const dated =
      acceptedAt === undefined
        ? state
        : changeVersion(rest.version, (version) => ({ ...version, acceptedAt }))(state)
    return {
      ...dated,
      contained: {
        ...rest,
        ...present({ sessions: expelled.sessionsLeft }),
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
    version === undefined || (stage?.kind === "previous" && stage.revokeOthers === true)
      ? state.contained?.incident
      : undefined
  return {
    secret,
    ...present({ version, incident }),
  }
}

/** One answer about all of them; at least one, for what nobody has told us of. */
function each(secret: string, versions: readonly Version[], death: Death): readonly Revoked[] {
  if (versions.length === 0) return [{ secret, death }]
  // What was done once is said once.
  return versions.map(({ id }, index) => ({
    secret,
    version: id,
    death: index > 0 && death.kind === "dead" ? { kind: "dead", sessionsEnded: 0 } : death,
  }))
}

/**
 * What could be revoked now. Versions of a secret in a change set that is not finished wait for its
 * end.
 */
export function owedVersions(
  session: Session,
  options: RevokeOptions,
): readonly { readonly name: string; readonly version: Version }[] {
  const now = session.work.host.now().getTime()
  const owed: { name: string; version: Version }[] = []
  for (const [name, state] of Object.entries(
    gracesOf(session.work.host).seen(session.document).secrets,
  )) {
    if (!isFree(session, name, options)) continue
    for (const version of state.versions) {
      const due =
        version.stage.kind === "uncertain" ||
        (version.stage.kind === "previous" &&
          (options.skipGrace || Date.parse(version.stage.revokeAt) <= now))
      if (due) owed.push({ name, version })
    }
  }
  return owed
}

function isFree(session: Session, name: string, { secrets, except }: RevokeOptions): boolean {
  if (session.work.drivers[name] === undefined || session.isOpen(name)) return false
  if (except?.some(({ secret, death }) => secret === name && death.kind !== "dead") === true)
    return false
  // Without a current value that is accepted no death can be proven, and none may be brought about.
  return (
    session.state(name).drift === undefined && (secrets === undefined || secrets.includes(name))
  )
}

/**
 * Where a containment has still to take away what its service accepted before, though no version
 * tells of it. Not beside a value that was adopted since: of that nobody knows how old its sessions
 * are.
 */
export function owedRevokeOthers(session: Session, options: RevokeOptions): readonly string[] {
  return Object.entries(session.document.secrets).flatMap(([name, state]) => {
    const owes =
      state.contained?.owes === true ||
      (options.sessions === true && state.contained?.sessions !== undefined)
    return owes && holdsContained(state) && isFree(session, name, options) ? [name] : []
  })
}

/** Each by itself; or, where an incident took their place, all at once. */
async function revokeAll(
  session: Session,
  name: string,
  versions: readonly Version[],
): Promise<readonly Revoked[]> {
  const state = session.state(name)
  const contains = versions.length === 0 || (owesRevokeOthers(state) && holdsContained(state))
  const settled = await isSettled(session, name, versions)
  if (settled && contains) return each(name, versions, await expelAll(session, name, versions))
  // Beside a program that may still run no other is started, not for a login either.
  if (!settled && hiddenActOf(session, name) !== undefined)
    return each(name, versions, { kind: "owed", ...unsettled(session, name) })
  const deaths = settled
    ? await Promise.all(versions.map((version) => revokeOne(session, name, version)))
    : each(name, versions, { kind: "owed", ...unsettled(session, name) })
  // What proves a death is missing where the current value has gone: that is found, not another
  // reason made up. Who is silent is not asked once more.
  if (
    contains ||
    !deaths.some(({ death }) => death.kind !== "dead" && !isSilence(death.code)) ||
    !(await hasDrifted(session, name))
  )
    return deaths
  return deaths.map((one) =>
    one.death.kind === "dead"
      ? one
      : { ...one, death: drifted(`${session.work.environment}/${name}`) },
  )
}

function drifted(place: string): Death {
  return {
    kind: "owed",
    code: driftCode,
    message: "the service refuses the current value, so nothing older is taken away",
    hint: driftRemedy(place),
  }
}

/**
 * An earlier run may have been killed in this very revoke, whose request could land once a younger
 * value is live, and take that away.
 */
async function isSettled(
  session: Session,
  name: string,
  versions: readonly Version[],
): Promise<boolean> {
  if (session.settled.has(name) || driverOf(session, name).overlap === "none") return true
  const { current } = await session.versions(name)
  return settle(session, name, [
    ...(current === undefined ? [] : [current]),
    ...(await Promise.all(versions.map(({ id }) => session.open(name, id)))),
  ])
}

async function revokeOne(session: Session, name: string, version: Version): Promise<Revoked> {
  const old = await session.open(name, version.id)
  const { current } = await session.versions(name)
  const answer = (death: Death): Revoked => ({ secret: name, version: version.id, death })
  if (current === undefined) return answer(noCurrent)
  session.work.onProgress("revoke", `${version.id}, and a login with it must fail`, name)
  return answer(
    await proveDead(session, name, {
      id: version.id,
      old,
      live: current,
      endSessions: endsSessions(session, name, version),
    }),
  )
}

/**
 * Not where a containment is owed beside a value that was adopted since: of that nobody knows how
 * old its sessions are, so another containment ends them.
 */
function endsSessions(session: Session, name: string, { stage }: Version): boolean {
  return (
    stage.kind === "previous" &&
    stage.endSessions &&
    (stage.revokeOthers !== true || holdsContained(session.state(name)))
  )
}

/**
 * Takes `old` away, then proves its death: its login is refused while the same login works with
 * `live`.
 */
export async function proveDead(
  session: Session,
  name: string,
  context: {
    readonly id: string
    readonly old: Credential
    readonly live: Credential
    readonly endSessions: boolean
  },
): Promise<Death> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { kind: "dead", sessionsEnded: 0 }
  let sessionsEnded = 0
  try {
    const { endSessions } = context
    const done = await untilOver(session, name, (signal, waitedMs) =>
      driver.revoke(context.old, context.live, { endSessions, waitedMs }, signal),
    )
    sessionsEnded = done.sessionsEnded
  } catch (error) {
    return { kind: "owed", ...describeError(error) }
  }
  return (await notDead(session, name, [context], context.live)) ?? { kind: "dead", sessionsEnded }
}
