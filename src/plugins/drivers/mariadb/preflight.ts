import type { Finding, Versions } from "../../../core/ports.ts"
import { adminRefused, findingOf, problem, sessionNote, unfitFinding } from "../server/findings.ts"
import { holdsCurrent, lacksCurrent, strangers } from "../server/two-passwords.ts"
import { type Account, accountProblem, checkUser, hashOf, readAccount } from "./account.ts"
import type { Connection } from "./connection.ts"
import { isNumber } from "./fault.ts"
import { unmetNeed } from "./kept-out.ts"
import { type AccountName, type MariadbTarget, sayAccount } from "./target.ts"
import { asAdmin } from "./session.ts"
import { serverProblems } from "./server.ts"
import { isShared, maySeeSessions, readGrants } from "./sessions.ts"

/** What a rotation would fail on, seen before any value exists. Changes nothing. */
export async function preflight(
  target: MariadbTarget,
  versions: Versions,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  try {
    if (versions.current !== undefined) checkUser(target, versions.current)
    return await asAdmin(target, signal, async (connection) => {
      const account = await readOrDenied(connection, target)
      return [
        ...(await rightFindings(target, connection, account)),
        ...accountFindings(target, account, versions),
        ...(await serverProblems(connection)).map((one) =>
          problem(one.code, one.message, one.remedy),
        ),
      ]
    })
  } catch (error) {
    return [findingOf(error, (message) => adminRefused(message, target.options.admin.user))]
  }
}

async function readOrDenied(
  connection: Connection,
  { account }: MariadbTarget,
): Promise<Account | undefined | "denied"> {
  return readAccount(connection, account).catch((error: unknown) => {
    if (isNumber(error, 1142)) return "denied" as const
    throw error
  })
}

function accountFindings(
  target: MariadbTarget,
  account: Account | undefined | "denied",
  versions: Versions,
): readonly Finding[] {
  const { account: name } = target
  const { current } = versions
  if (account === "denied") return []
  const unfit = accountProblem(account, name)
  if (unfit !== undefined)
    // Of an account that is there, a containment gives it its new value, and no other is taken.
    return account === undefined
      ? [unfitFinding(unfit)]
      : [{ ...unfitFinding(unfit), yields: true, silences: true }]
  if (account === undefined) return []
  const unmet = unmetNeed(target, account)
  if (unmet !== undefined) return [problem("mariadb-requires", unmet.message, unmet.remedy)]
  const shut = account.shut ? [seatless(sayAccount(name))] : []
  // If we have no version, whether there is a password at all is asked by `readInstalled`.
  return current === undefined ? shut : [...shut, ...passwordFindings(target, account, versions)]
}

/** Its password is proven all the same: the server asks for that first. */
function seatless(said: string): Finding {
  return {
    ...problem(
      "account-locked",
      `account ${said} may open no connection (MAX_USER_CONNECTIONS is below 0): no program can log in as it`,
      `if it is to log in again: ALTER USER ${said} WITH MAX_USER_CONNECTIONS 0`,
    ),
    yields: true,
  }
}

function passwordFindings(
  { account: name, context: { label } }: MariadbTarget,
  { hashes: held }: Account,
  versions: Versions,
): readonly Finding[] {
  const { current } = versions
  const said = `account ${sayAccount(name)}`
  if (current !== undefined && !holdsCurrent(held, current, hashOf))
    return [lacksCurrent(said, label)]
  const remedy =
    `find out whose it is: SHOW CREATE USER ${sayAccount(name)} shows the hash of each, ` +
    "and SELECT PASSWORD('…') says which one belongs to the password in the output; " +
    `if the other is not needed: ALTER USER ${sayAccount(name)} IDENTIFIED BY PASSWORD 'HASH' ` +
    `with the hash of the password in the output, or mycelium rotate-now ${label} --contain, ` +
    "which ends all but a new one"
  return strangers({ name: said, held, label, remedy }, versions, hashOf)
}

/** By what the server says that the admin holds: a trial would leave its date in the account. */
async function rightFindings(
  { account: name, options: { admin } }: MariadbTarget,
  connection: Connection,
  account: Account | undefined | "denied",
): Promise<readonly Finding[]> {
  const may = await readGrants(connection)
  const missing = [
    ...(may("CREATE USER") ? [] : [`CREATE USER ON *.*`]),
    ...(account === "denied" ? ["SELECT ON mysql.global_priv"] : []),
  ]
  const self = await ownAccount(connection)
  if (missing.length > 0)
    return [
      problem(
        "not-permitted",
        `${admin.user} may not do what a rotation needs: ${missing.join(", ")}`,
        missing.map((right) => `GRANT ${right} TO ${sayAccount(self)}`).join("; "),
      ),
    ]
  const sessions = maySeeSessions(may)
    ? []
    : [
        sessionNote(
          "sessions-out-of-reach",
          `${admin.user} may not see and end the sessions of others: end_sessions would fail`,
          `if sessions are to be ended: GRANT PROCESS, CONNECTION ADMIN ON *.* TO ${sayAccount(self)}`,
        ),
      ]
  const shared = (await isShared(connection, name))
    ? [
        sessionNote(
          "mariadb-sessions-shared",
          `other accounts have the name ${name.user} too, and the server does not say whose a ` +
            "session is: end_sessions would fail",
          "let each account have a name of its own",
        ),
      ]
    : []
  return [...powerFindings(self, may), ...sessions, ...shared]
}

/**
 * The account that the server took the admin for: a name alone is another one, that of any host.
 */
async function ownAccount(connection: Connection): Promise<AccountName> {
  const [row] = await connection.query("SELECT CURRENT_USER()")
  const [user = "", host = "%"] = (row?.[0] ?? "").split(/@(?=[^@]*$)/)
  return { user, host }
}

/** Nothing is taken from it: it may be the only one left that can grant anything. */
function powerFindings(
  { user, host }: AccountName,
  may: (right: string) => boolean,
): readonly Finding[] {
  if (!may("SUPER")) return []
  const own = sayAccount({ user: user === "mycelium" ? "mycelium_admin" : "mycelium", host })
  const remedy =
    `make an admin that only mycelium uses: CREATE USER ${own} IDENTIFIED BY 'PASSWORD'; ` +
    `GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO ${own}; ` +
    `GRANT SELECT ON mysql.global_priv TO ${own}; then name it under admin, ` +
    "with that password by reference (PROCESS and CONNECTION ADMIN are for end_sessions and " +
    "--contain)"
  return [
    {
      code: "admin-too-powerful",
      severity: "warning",
      message: `admin ${user} may do everything, which is more than it needs`,
      remedy,
    },
  ]
}
