import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { type Unfit, unfitError } from "../server/findings.ts"
import type { Account as SetOfPasswords } from "../server/two-passwords.ts"
import { neededPassword } from "../server/version.ts"
import type { Connection } from "./connection.ts"
import { nativeHash, nativePassword } from "./login.ts"
import { type AccountName, comment, type MariadbTarget, sayAccount } from "./target.ts"

/**
 * A version as MariaDB sees it, `{ user, password }`, and an account as mysql.global_priv keeps it.
 */

export type Account = {
  readonly hashes: readonly string[]
  /** Lets in every client that gives no password. */
  readonly open: boolean
  /** Has other ways to log in than our kind of password: ed25519, unix_socket, … */
  readonly foreign: boolean
  readonly locked: boolean
  readonly expired: boolean
  /** It may open no connection (MAX_USER_CONNECTIONS -1), though its password is right. */
  readonly shut: boolean
  /** What else than a password a login needs (REQUIRE). */
  readonly needs: "nothing" | "tls" | "certificate"
}

/**
 * A version that was adopted may not name its user; one that names another was made, or adopted,
 * under another config.
 */
export function checkUser({ account: { user } }: MariadbTarget, { fields }: Credential): void {
  if (fields["user"] === undefined || fields["user"] === user) return
  throw new AppError("user-differs", `this version belongs to another user than ${user}`, {
    hint: "adopt the password of this user, or put the former user back",
  })
}

/**
 * The form in which MariaDB keeps a password. The same for the same password, so a second `apply`
 * changes nothing.
 */
export function hashOf(candidate: Credential): string {
  return nativeHash(neededPassword(candidate).reveal())
}

/** undefined where there is no such account. */
export async function readAccount(
  connection: Connection,
  { user, host }: AccountName,
): Promise<Account | undefined> {
  const [row] = await connection.query(
    "SELECT Priv, UNIX_TIMESTAMP(), @@GLOBAL.default_password_lifetime FROM mysql.global_priv " +
      `WHERE User = '${user}' AND Host = '${host}'`,
  )
  if (row === undefined) return undefined
  const priv = parse(row[0] ?? "", connection.label)
  const listed = Array.isArray(priv["auth_or"])
    ? (priv["auth_or"] as readonly unknown[]).filter(isObject)
    : []
  // In the list an empty one stands for what is written outside of it.
  const ways =
    listed.length === 0 ? [priv] : listed.map((way) => (Object.keys(way).length === 0 ? priv : way))
  const native = ways
    .filter(({ plugin }) => plugin === nativePassword || plugin === undefined || plugin === "")
    .map((way) => String(way["authentication_string"] ?? ""))
  return {
    hashes: native
      .map((hash) => hash.toUpperCase())
      .filter((hash) => /^\*[0-9A-F]{40}$/.test(hash)),
    open: native.includes(""),
    foreign: native.length < ways.length,
    locked: priv["account_locked"] === true,
    expired: isExpired(priv, Number(row[1]), Number(row[2])),
    shut: Number(priv["max_user_connections"] ?? 0) < 0,
    needs: needsIn(priv),
  }
}

/** By hand (0), or since its last change a lifetime of days has passed: its own, or (-1) the server's. */
function isExpired(priv: Readonly<Record<string, unknown>>, nowS: number, server: number): boolean {
  const changedS = Number(priv["password_last_changed"] ?? nowS)
  const own = Number(priv["password_lifetime"] ?? -1)
  const days = own < 0 ? server : own
  return changedS === 0 || (days > 0 && nowS > changedS + days * 24 * 3600)
}

/** ssl_type: 1 is REQUIRE SSL, 2 X509, 3 an issuer, a subject or a cipher. */
function needsIn(priv: Readonly<Record<string, unknown>>): Account["needs"] {
  const kind = Number(priv["ssl_type"] ?? 0)
  if (kind === 0) return "nothing"
  const asksForTls = kind === 1 || (priv["x509_issuer"] === "" && priv["x509_subject"] === "")
  return kind !== 2 && asksForTls ? "tls" : "certificate"
}

/** The account in one session, whose passwords are changed (two-passwords.ts). */
export function accountIn(target: MariadbTarget, connection: Connection): SetOfPasswords {
  const write = (hashes: readonly string[]): Promise<void> =>
    writeHashes(target, connection, hashes)
  return {
    name: `account ${sayAccount(target.account)}`,
    message: connection.label,
    read: async () => (await readUsable(connection, target.account)).hashes,
    add: (hash, held) => write([hash, ...held]),
    remove: (hash, held) => write(held.filter((one) => one !== hash)),
    leave: (hash) => write([hash]),
    keep: () => Promise.resolve(),
  }
}

/** The account, fit to be given a password or to lose one. */
export async function readUsable(connection: Connection, name: AccountName): Promise<Account> {
  const account = await readAccount(connection, name)
  const problem = accountProblem(account, name)
  if (problem !== undefined) throw unfitError(problem, connection.label)
  // For TypeScript: an account that is missing is a problem.
  if (account === undefined)
    throw new AppError("internal", "an account that is missing has no problem")
  return account
}

/**
 * For containment: one who may change accounts may have shut this one, opened it, or given it other
 * ways in, so that no login proves anything. In one step it takes this value and nothing else.
 */
export async function reopen(
  target: MariadbTarget,
  connection: Connection,
  hash: string,
): Promise<void> {
  const account = await readAccount(connection, target.account)
  if (account === undefined || accountProblem(account, target.account) === undefined) return
  const unlock = account.locked ? " ACCOUNT UNLOCK" : ""
  await connection.query(
    `ALTER USER ${sayAccount(target.account)} IDENTIFIED VIA ${nativePassword} USING ` +
      `'${hash}'${unlock} ${comment(target)}`,
  )
}

const itself = "a containment ends that, with the new value"

/** Why a rotation of this account would make no sense, or harm. */
export function accountProblem(account: Account | undefined, name: AccountName): Unfit | undefined {
  const said = sayAccount(name)
  if (account === undefined)
    return {
      code: "account-missing",
      message: `account ${said} does not exist`,
      hint: "create it, or correct user and host in the config",
    }
  return wayInProblem(account, said) ?? shutProblem(account, said)
}

/** A login is possible otherwise than by our kind of password. */
function wayInProblem(account: Account, said: string): Unfit | undefined {
  if (account.foreign)
    return {
      code: "authentication-unsupported",
      message:
        `account ${said} also logs in otherwise than by mysql_native_password, ` +
        `which is all that this driver knows; ${itself}`,
      hint:
        `if nothing logs in by its other ways: ALTER USER ${said} IDENTIFIED VIA ` +
        "mysql_native_password USING PASSWORD('…'), with the password that its programs have; " +
        "else give them an account of their own",
    }
  if (account.open)
    return {
      code: "password-not-asked",
      message:
        `account ${said} lets in who gives no password: a rotation would lock them out (a ` +
        "containment does)",
      hint: `give it one: ALTER USER ${said} IDENTIFIED BY '…'; from that moment its programs need it`,
    }
  return undefined
}

/** The right password is refused, too. */
function shutProblem(account: Account, said: string): Unfit | undefined {
  if (account.locked)
    return {
      code: "account-locked",
      message: `account ${said} is locked: the server refuses even the right password; ${itself}`,
      hint: `if it is to log in again: ALTER USER ${said} ACCOUNT UNLOCK`,
    }
  if (account.expired)
    return {
      code: "password-expired",
      message: `the password of account ${said} has expired; ${itself}`,
      hint: `ALTER USER ${said} IDENTIFIED BY '…', with the password that its programs have`,
    }
  return undefined
}

/**
 * Sets exactly these, the first first; none at all: no password is right any more. What else the
 * account has (REQUIRE, limits, roles) stays.
 */
export async function writeHashes(
  target: MariadbTarget,
  connection: Connection,
  hashes: readonly string[],
): Promise<void> {
  const ways = (hashes.length === 0 ? ["invalid"] : hashes).map(
    (hash) => `${nativePassword} USING '${hash}'`,
  )
  await connection.query(
    `ALTER USER ${sayAccount(target.account)} IDENTIFIED VIA ${ways.join(" OR ")} ${comment(target)}`,
  )
}

function parse(text: string, message: string): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(text)
    if (isObject(read)) return read
  } catch {
    // Said below, without what the parser quotes.
  }
  throw new AppError(
    "answer-malformed",
    `${message}: what the server keeps of the account is not understood`,
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
