import { gracesOf } from "../../core/graces.ts"
import type { Finding, Versions } from "../../core/ports.ts"
import { owesRevokeOthers } from "../../core/open-containment.ts"
import { uncertainUntil, versionAt } from "../../core/version.ts"
import { errorFinding } from "./finding.ts"
import { probes } from "./probes.ts"
import type { Session } from "../session.ts"
import { type Order, type TakenFirst, takenKey } from "../order.ts"

/** True whether a service runs or not. */
const asksAgain = "mycelium run tries again by itself; without it, repeat this command"

/** Older values, and an expulsion, that must be over before a rotation of `name` begins. */
export async function owedFindings(
  session: Session,
  name: string,
  { versions, takenFirst }: { readonly versions: Versions } & Pick<Order, "takenFirst">,
): Promise<readonly Finding[]> {
  // Of what has drifted nothing is revoked: what is owed waits for a person, too.
  const left = leftBehind(session, name, versions, takenFirst)
  const waits =
    session.state(name).drift !== undefined && (left.uncertain || overdue(session, name))
  const drifted = waits ? await probes(session, name) : []
  if (drifted.length > 0) return drifted
  if (left.uncertain) return [uncertain]
  if (left.kept) return [keptForReaders]
  if (left.overdue) return [revokeOwed]
  return left.previous ? [inGrace] : []
}

const uncertain = errorFinding(
  "uncertain",
  "an older value may still be accepted",
  `${asksAgain}; see mycelium status`,
)
const revokeOwed = errorFinding(
  "revoke-owed",
  "the value before this one is not proven dead yet",
  `${asksAgain}; see mycelium status`,
)
const inGrace = errorFinding(
  "in-grace",
  "the value before this one is still in its grace",
  "wait until it is revoked, or add --skip-grace",
)

const keptForReaders = errorFinding(
  "in-grace",
  "a value that was given up is kept until programs that read an entry have read the former one again",
  "wait until it is revoked (mycelium status says when), or add --skip-grace",
)

type LeftBehind = {
  readonly uncertain: boolean
  /** Given up, and readers of an entry may still have it. */
  readonly kept: boolean
  readonly overdue: boolean
  readonly previous: boolean
}

/** Which older values are still to be taken away when the rotation would begin. */
function leftBehind(
  session: Session,
  name: string,
  { uncertain, previous }: Versions,
  first: TakenFirst = { versions: new Set(), expels: new Set() },
): LeftBehind {
  const { contained, versions } = session.state(name)
  const stays = (id: string): boolean => !first.versions.has(takenKey(name, id))
  const now = session.work.host.now().getTime()
  const waits = (id: string): boolean =>
    versions.some((one) => one.id === id && uncertainUntil(one.stage) > now)
  const isThere = previous !== undefined && stays(previous.version)
  const owes = owesRevokeOthers({
    ...(contained === undefined || first.expels.has(name) ? {} : { contained }),
    versions: versions.filter(({ id }) => stays(id)),
  })
  return {
    uncertain: uncertain.some(({ version }) => stays(version) && !waits(version)),
    kept: uncertain.some(({ version }) => stays(version) && waits(version)),
    overdue: (isThere && overdue(session, name)) || owes,
    previous: isThere,
  }
}

function overdue(session: Session, name: string): boolean {
  // As the revoke judges it.
  const state = gracesOf(session.work.host).seenState(session.document, name)
  const stage = state === undefined ? undefined : versionAt(state, "previous")?.stage
  return (
    stage?.kind === "previous" && Date.parse(stage.revokeAt) <= session.work.host.now().getTime()
  )
}
