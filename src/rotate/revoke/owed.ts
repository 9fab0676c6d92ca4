import { gracesOf } from "../../core/graces.ts"
import { holdsContained } from "../../core/open-containment.ts"
import { isToBeAsked } from "../../core/places.ts"
import { type Version, uncertainUntil } from "../../core/version.ts"
import type { Revoked } from "./revoked.ts"
import type { Session } from "../session.ts"

/**
 * `except`: what has failed in this turn already is not tried a second time. `sessions`: those that
 * an earlier containment could not end are tried again.
 */
export type RevokeOptions = {
  readonly skipGrace: boolean
  readonly secrets?: readonly string[]
  readonly except?: readonly Revoked[]
  readonly sessions?: boolean
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
        isToBeAsked(version, session.work.origin?.places?.[name]) ||
        (version.stage.kind === "uncertain" &&
          (options.skipGrace || uncertainUntil(version.stage) <= now)) ||
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
 * tells of it. Not beside a value that was adopted since: the age of its sessions is not known.
 */
export function owedRevokeOthers(session: Session, options: RevokeOptions): readonly string[] {
  return Object.entries(session.document.secrets).flatMap(([name, state]) => {
    const owes =
      state.contained?.owes === true ||
      (options.sessions === true && state.contained?.sessions !== undefined)
    return owes && holdsContained(state) && isFree(session, name, options) ? [name] : []
  })
}
