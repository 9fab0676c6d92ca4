import type { Credential, Finding } from "../../../core/ports.ts"
import { type Pair, nextRole } from "./pair.ts"
import { lookAtPair, type PairSeen } from "./pair-catalog.ts"
import { differences } from "./pair-differences.ts"
import {
  becomingFindings,
  belongingFindings,
  connectFindings,
  memberFindings,
  ownerFindings,
} from "./pair-findings.ts"
import { databaseAt, type PostgresTarget } from "./target.ts"
import type { Connection } from "./wire.ts"

/**
 * Do the two roles of a pair stand for one another? Each finding comes with the SQL that corrects
 * it.
 */
export async function examinePair(
  target: PostgresTarget,
  current: Credential | undefined,
  connection: Connection,
): Promise<readonly Finding[]> {
  const { pair } = target
  if (pair === undefined) return []
  const database = databaseAt(target)
  const seen = await lookAtPair(pair, database, connection)
  const owner = ownerFindings(pair, seen, current?.fields["user"] === pair.owner)
  if (!seen.roles.has(pair.owner)) return owner
  const [version] = await connection.rows(
    ["since16"],
    "SELECT current_setting('server_version_num')::int >= 160000",
  )
  // A role can bring about all of these by itself: an intruder who has it must not hold a
  // containment up. What programs lack then is said.
  const yielding = (found: readonly Finding[]): readonly Finding[] =>
    found.map((one): Finding => (one.severity === "error" ? { ...one, yields: true } : one))
  const becoming = pair.roles.flatMap((role) => becomingFindings(role, pair, seen, database))
  return [
    ...owner,
    ...eachOf(pair, seen, version?.since16 === "t", database),
    ...yielding(becoming),
    ...yielding(unequal(pair, seen, current, becoming.length === 0)),
    ...yielding(belongingFindings(pair, seen)),
  ]
}

function eachOf(
  pair: Pair,
  seen: PairSeen,
  since16: boolean,
  database: string,
): readonly Finding[] {
  return pair.roles.flatMap((name) => {
    const role = seen.roles.get(name)
    if (role === undefined) return []
    const member = memberFindings(role, pair, since16)
    // A role that inherits nothing may lack the right to connect for that reason alone.
    if (member.length > 0) return member
    return connectFindings(role, pair, database).map((one): Finding => ({ ...one, yields: true }))
  })
}

/** The one that is in use works, so the other is made like it. */
function unequal(
  pair: Pair,
  seen: PairSeen,
  current: Credential | undefined,
  becoming: boolean,
): readonly Finding[] {
  const idle = current === undefined ? pair.roles[1] : nextRole(pair, current)
  const model = seen.roles.get(pair.roles.find((role) => role !== idle) ?? "")
  const other = seen.roles.get(idle)
  return model === undefined || other === undefined ? [] : differences(model, other, seen, becoming)
}
