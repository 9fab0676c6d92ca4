import { AppError } from "../../../base/error.ts"
import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { answerOf } from "../server/probe.ts"
import { judgeBySight } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import { type Account, checkUser, hashOf, readAccount } from "./account.ts"
import { isNumber } from "./fault.ts"
import { namesakes, unmetNeed } from "./kept-out.ts"
import { type AccountName, connectTo, type MariadbTarget, sayAccount } from "./target.ts"
import { asAdmin } from "./session.ts"

/**
 * A fresh login with `candidate`. Accepted only as the very account that rotates; refused only by
 * 1045, and if the account does not hold the password.
 */
export async function probe(
  target: MariadbTarget,
  candidate: Credential,
  signal: AbortSignal,
  heard?: Heard,
): Promise<Probe> {
  checkUser(target, candidate)
  return answerOf(() => logIn(target, candidate, { signal, heard }), {
    heard,
    judge: () => judge(target, candidate, { signal, heard }),
  })
}

type Asking = { readonly signal: AbortSignal; readonly heard: Heard | undefined }

async function logIn(
  target: MariadbTarget,
  candidate: Credential,
  { signal, heard }: Asking,
): Promise<Probe> {
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  try {
    const connection = await connectTo(target, { user: target.account.user, password }, signal)
    try {
      const [row] = await connection.query("SELECT CURRENT_USER()")
      const [user = "", host = ""] = (row?.[0] ?? "").split(/@(?=[^@]*$)/)
      if (user === target.account.user && host.toLowerCase() === target.account.host)
        return "accepted"
      heard?.(tookAnother(target, { user, host }))
      return "unknown"
    } finally {
      target.closing.add(connection.hangUp())
    }
  } catch (error) {
    if (!isAtLimit(error)) throw error
    heard?.(error)
    const { account, others } = await look(target, signal)
    return others.length === 0 && account?.hashes.includes(hashOf(candidate)) === true
      ? "accepted"
      : "unknown"
  }
}

/** Each comes after the password was right: as the account has it, if no other is meant. */
function isAtLimit(error: unknown): error is AppError {
  return isNumber(error, 1203) || isNumber(error, 1226)
}

function tookAnother({ account }: MariadbTarget, taken: AccountName): AppError {
  return new AppError(
    "mariadb-other-account",
    `the server takes this login for account ${sayAccount(taken)}, ` +
      `not for ${sayAccount(account)}: put the host part of the one that programs log in as ` +
      `into the config, or, if that account is not to be there: DROP USER ${sayAccount(taken)}`,
  )
}

/**
 * 1045 is also what an account gets for its right password where its host part does not match ours,
 * another account stands before it, or it asks for TLS.
 */
function judge(
  target: MariadbTarget,
  candidate: Credential,
  { signal, heard }: Asking,
): Promise<Probe> {
  return judgeBySight(target.options.admin.user, async () => {
    const { account, others } = await look(target, signal)
    if (account === undefined || account.open) return false
    if (!account.hashes.includes(hashOf(candidate))) return true
    heard?.(keptOut(target, account, others))
    return false
  })
}

type Look = { readonly account: Account | undefined; readonly others: readonly AccountName[] }

function look(target: MariadbTarget, signal: AbortSignal): Promise<Look> {
  return asAdmin(target, signal, async (connection) => ({
    account: await readAccount(connection, target.account),
    others: await namesakes(connection, target.account),
  }))
}

/** It holds the password, and the server refuses the login all the same. */
function keptOut(
  target: MariadbTarget,
  account: Account,
  others: readonly AccountName[],
): AppError {
  const said = sayAccount(target.account)
  const unmet = unmetNeed(target, account)
  if (unmet !== undefined)
    return new AppError("mariadb-requires", `${unmet.message}: ${unmet.remedy}`)
  const [first] = others
  const why =
    first === undefined
      ? `the host part of ${said} may not match the address from which mycelium logs in`
      : `it may take the login for account ${sayAccount(first)}, which stands before it: ` +
        `if that is not to be there: DROP USER ${sayAccount(first)}; ` +
        "else put its host part into the config"
  return new AppError(
    "mariadb-other-account",
    `the server refuses the login, though account ${said} holds this password: ${why}`,
  )
}
