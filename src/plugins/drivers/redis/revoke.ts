import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { removePassword } from "../server/two-passwords.ts"
import { serverTime } from "./apply.ts"
import { type Client, endClients } from "./clients.ts"
import type { Connection } from "./connection.ts"
import { isKind } from "./fault.ts"
import { isReplica } from "./topology.ts"
import type { RedisTarget } from "./target.ts"
import { type SessionRequest, inSession, onAll, userChanged } from "./session.ts"
import { accountOf, hashOf, userOf } from "./user.ts"

/**
 * Takes `old` away at every node that can be reached, on disk too; then ends older sessions. Where
 * it is gone already, nothing changes.
 */
export async function revoke(
  target: RedisTarget,
  old: Credential,
  live: Credential,
  { endSessions, signal }: { readonly endSessions: boolean; readonly signal: AbortSignal },
): Promise<{ readonly sessionsEnded: number }> {
  const ask: SessionRequest = { logins: [live, old], signal }
  const [dead, stays] = [hashOf(old), hashOf(live)]
  await onAll(target, ask, (connection) =>
    removePassword(
      accountOf(connection, userOf(target, old)),
      { dead, stays },
      target.context.label,
    ),
  ).finally(() => userChanged(target, userOf(target, old)))
  return { sessionsEnded: endSessions ? await endOlderSessions(target, live, ask) : 0 }
}

/**
 * Ends the connections of the user that are older than its present password. Redis does not say
 * with which password one was opened, and CLIENT KILL USER would end the healthy ones too: those
 * that began before the value was accepted cannot have used it. Ages are whole seconds of the
 * server's clock, so up to two seconds' worth is spared rather than one of the live ones. A
 * connection that was opened with the old password after that, within the grace, cannot be told
 * from a live one and stays. `replicas`: those that are logged in as the user, too; any program may
 * become one.
 */
export async function endOlderSessions(
  target: RedisTarget,
  live: Credential,
  ask: SessionRequest,
  options: { readonly spareDoubtful: boolean; readonly replicas?: true } = { spareDoubtful: true },
): Promise<number> {
  const user = userOf(target, live)
  const acceptedAt = Date.parse(live.acceptedAt ?? "")
  const counts = await onAll(target, ask, (connection, address) => {
    const end = (clock: Connection): Promise<number> => {
      const older = async (clients: readonly Client[]): Promise<readonly Client[]> => {
        const theirs = clients.filter(
          (client) =>
            client.user === user &&
            (isProgram(client) || (options.replicas === true && isReplica(client))),
        )
        if (theirs.length > 0 && Number.isNaN(acceptedAt)) throw undated(user)
        // Asked after the list: the limit is then too high rather than too low.
        const sinceS = ((await serverTime(clock)).getTime() - acceptedAt) / 1000
        return theirs.filter(({ age }) => (options.spareDoubtful ? age - 1 : age + 1) >= sinceS)
      }
      return withinReach(target, connection, () =>
        endClients(connection, older, { host: target.context.host, signal: ask.signal }),
      )
    }
    return address === target.main ? end(connection) : inSession(target, target.main, ask, end)
  })
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * Not the link between primary and replica: ending it costs a synchronisation and protects nothing.
 */
export function isProgram({ flags }: Client): boolean {
  return !/[SM]/.test(flags)
}

/** The old value is gone: of what is left, only the sessions are out of the admin's reach. */
async function withinReach<Result>(
  { options: { admin, user } }: RedisTarget,
  connection: Connection,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    if (!isKind(error, "noperm")) throw error
    throw new AppError(
      "sessions-out-of-reach",
      `${connection.label}: it may not see and end the sessions of user ${user}`,
      { hint: `ACL SETUSER ${admin?.user ?? user} +client|id +client|kill +client|list` },
    )
  }
}

function undated(user: string): AppError {
  return new AppError(
    "sessions-undated",
    `it is not known since when user ${user} has its present password, ` +
      "so which sessions are older is not known either",
    {
      hint: `its old password is gone; CLIENT KILL USER ${user} ends all of its sessions`,
    },
  )
}
