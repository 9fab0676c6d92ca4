import { describeError } from "../base/error.ts"
import { driftRemedy } from "../core/drift.ts"
import { unaskedIn } from "../core/places.ts"
import { holdsContained, owesRevokeOthers } from "../core/open-containment.ts"
import type { Version } from "../core/version.ts"
import { driverOf, isSilence } from "./ask.ts"
import { settle, unsettled } from "./settle.ts"
import { type Death, noCurrent } from "./death.ts"
import { driftCode, hasDrifted } from "./drift.ts"
import { hiddenActOf } from "./elsewhere.ts"
import { beginActing } from "./acting.ts"
import { expelAll } from "./revoke-others.ts"
import { type Looks, keepsAlive } from "./revoke/look-at-entries.ts"
import { type ProgramLooks, needsFormer } from "./revoke/look-at-programs.ts"
import { noteRevoked } from "./revoke/note.ts"
import { type RevokeOptions, owedRevokeOthers, owedVersions } from "./revoke/owed.ts"
import { retireTwins } from "./revoke/twins.ts"
import { proveDead } from "./revoke/prove-dead.ts"
import type { Revoked } from "./revoke/revoked.ts"
import type { Session } from "./session.ts"

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
export async function beginRevoke(session: Session, options: RevokeOptions): Promise<void> {
  await retireTwins(session, options)
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
  const looks: AllLooks = { entries: new Map(), programs: new Map() }
  const owed = Map.groupBy(owedVersions(session, options), ({ name }) => name)
  const all = [...new Set([...owed.keys(), ...owedRevokeOthers(session, options)])].map(
    async (name): Promise<readonly Revoked[]> => {
      const versions = (owed.get(name) ?? []).map(({ version }) => version)
      try {
        return await revokeAll(session, name, { versions, looks })
      } catch (error) {
        // One that cannot even be opened holds up no other secret.
        return each(name, versions, { kind: "owed", ...describeError(error) })
      }
    },
  )
  return (await Promise.all(all)).flat()
}

type AllLooks = { readonly entries: Looks; readonly programs: ProgramLooks }

/** One answer about all of them; at least one, for values that no version holds. */
function each(secret: string, versions: readonly Version[], death: Death): readonly Revoked[] {
  if (versions.length === 0) return [{ secret, death }]
  // What was done once is said once.
  return versions.map(({ id }, index) => ({
    secret,
    version: id,
    death: index > 0 && death.kind === "dead" ? { kind: "dead", sessionsEnded: 0 } : death,
  }))
}

/** Each by itself; or, where an incident took their place, all at once. */
async function revokeAll(
  session: Session,
  name: string,
  { versions, looks }: { readonly versions: readonly Version[]; readonly looks: AllLooks },
): Promise<readonly Revoked[]> {
  const state = session.state(name)
  const owes = owesRevokeOthers(state) || unaskedIn(state).length > 0
  const contains = versions.length === 0 || (owes && holdsContained(state))
  const settled = await isSettled(session, name, versions)
  if (settled && contains) return each(name, versions, await expelAll(session, name, versions))
  // Beside a program that may still run no other is started, not for a login either.
  if (!settled && hiddenActOf(session, name) !== undefined)
    return each(name, versions, { kind: "owed", ...unsettled(session, name) })
  const kept =
    settled && !contains
      ? ((await keepsAlive(session, name, looks.entries)) ??
        (await needsFormer(session, name, { versions, looks: looks.programs })))
      : undefined
  if (kept !== undefined) return each(name, versions, kept)
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
 * Not if a containment is owed beside a value that was adopted since: the age of its sessions is
 * not known, so another containment ends them.
 */
function endsSessions(session: Session, name: string, { stage }: Version): boolean {
  return (
    stage.kind === "previous" &&
    stage.endSessions &&
    (stage.revokeOthers !== true || holdsContained(session.state(name)))
  )
}
