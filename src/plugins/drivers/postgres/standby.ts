import type { Credential, Finding } from "../../../core/ports.ts"
import { problem } from "../server/findings.ts"
import { idleFindings } from "./idle.ts"
import type { PostgresTarget } from "./target.ts"
import { replays, writtenTo } from "./replay.ts"
import { inSession } from "./session.ts"
import type { Connection } from "./wire.ts"

/** How long a standby may take to get to where the primary is now. */
const catchUpMs = 5000

/**
 * Are the servers under `also` standbys of this primary, and do they keep up? A change that never
 * reaches one could not be proven.
 */
export async function standbyFindings(
  target: PostgresTarget,
  current: Credential | undefined,
  primary: Connection,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (target.standbys.length === 0) return []
  const [position, origin] = [await writtenTo(primary), await identify(primary)]
  const logins = current === undefined ? [] : [current]
  const found = target.standbys.map((standby) =>
    inSession(standby, logins, signal, async (connection) => [
      ...(await examine(standby, connection, { position, origin }, signal)),
      ...(await idleFindings(standby, current, connection)),
    ]),
  )
  return (await Promise.all(found)).flat()
}

type Primary = { readonly position: string; readonly origin: Identity }

async function examine(
  standby: PostgresTarget,
  connection: Connection,
  { position, origin }: Primary,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { label } = connection
  const self = await identify(connection)
  const mismatch = otherServer(label, self, origin)
  if (mismatch !== undefined) return mismatch
  if (self.paused)
    return [
      problem(
        "standby-behind",
        `${label}: replay is paused on this standby`,
        "on the standby: SELECT pg_wal_replay_resume()",
      ),
    ]
  if (await replays(standby, connection, { position, withinMs: catchUpMs, signal })) return []
  return [
    problem(
      "standby-behind",
      `${label}: this standby does not keep up with the primary`,
      "see its log, and pg_stat_replication on the primary",
    ),
  ]
}

/** What it is, if it is no standby of that primary; undefined if it is one. */
function otherServer(
  label: string,
  self: Identity,
  origin: Identity,
): readonly Finding[] | undefined {
  if (self.system !== undefined && origin.system !== undefined && self.system !== origin.system) {
    return [
      problem(
        "also-other-server",
        `${label}: this server belongs to another cluster than the primary`,
        "name under also only standbys of the server under address",
      ),
    ]
  }
  if (!self.standby) {
    // A name that moves with the primary may be its own: it is one server, started once.
    if (self.startedAt === origin.startedAt) return []
    return [
      problem(
        "also-not-standby",
        `${label}: this server is no standby: it takes changes of its own`,
        "name the primary under address, and its standbys under also",
      ),
    ]
  }
  return undefined
}

/** `system` is the cluster's identity, whatever its address; undefined where we may not ask. */
type Identity = {
  readonly system: string | undefined
  readonly standby: boolean
  readonly startedAt: string | null
  readonly paused: boolean
}

async function identify(connection: Connection): Promise<Identity> {
  const [now] = await connection.rows(
    ["may", "standby", "startedAt", "paused"],
    `SELECT has_function_privilege('pg_control_system()', 'EXECUTE'), pg_is_in_recovery(), extract(epoch FROM pg_postmaster_start_time()),
     CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END`,
  )
  const [control] =
    now?.may === "t"
      ? await connection.rows(["system"], "SELECT system_identifier FROM pg_control_system()")
      : []
  return {
    system: control?.system ?? undefined,
    standby: now?.standby === "t",
    startedAt: now?.startedAt ?? null,
    paused: now?.paused === "t",
  }
}
