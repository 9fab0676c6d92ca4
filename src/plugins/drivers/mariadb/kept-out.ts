import { wantsTls } from "../server/endpoint.ts"
import type { Account } from "./account.ts"
import type { Connection } from "./connection.ts"
import { type AccountName, type MariadbTarget, sayAccount } from "./target.ts"

/** What keeps a right password out: something that the login lacks, or another account before it. */

type Unmet = { readonly message: string; readonly remedy: string }

/** REQUIRE, against what our logins can show. */
export function unmetNeed(target: MariadbTarget, { needs }: Account): Unmet | undefined {
  const { account, address, options } = target
  const said = sayAccount(account)
  const unless = `if no person has set that: ALTER USER ${said} REQUIRE NONE`
  if (needs === "tls" && !wantsTls(address, options))
    return {
      message: `account ${said} is let in over TLS only (REQUIRE SSL), and the config does not ask for TLS`,
      remedy: `tls: { … } in the config; or, ${unless}`,
    }
  if (needs === "certificate" && options.tls?.certificate === undefined)
    return {
      message:
        `account ${said} is let in with a client certificate only (REQUIRE X509, ` +
        "ISSUER or SUBJECT), and the config names none",
      remedy: `tls: { certificate, key } in the config; or, ${unless}`,
    }
  return undefined
}

/** Accounts that the server may take a login of this user for: of the same name, or of no name. */
export async function namesakes(
  connection: Connection,
  { user, host }: AccountName,
): Promise<readonly AccountName[]> {
  const rows = await connection.query(
    `SELECT User, Host FROM mysql.global_priv WHERE User IN ('${user}', ` +
      `'') AND NOT (User = '${user}' AND Host = '${host}') AND JSON_VALUE(Priv, ` +
      `'$.is_role') IS NULL ORDER BY User = '', Host LIKE '%\\%%', Host LIMIT 3`,
  )
  return rows.map(([name, place]) => ({ user: name ?? "", host: place ?? "" }))
}
