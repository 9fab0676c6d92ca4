import { AppError } from "../../../base/error.ts"
import type { Connection } from "./connection.ts"
import { isKind } from "./fault.ts"

/** Where the server keeps its users beyond a restart. */
export type Keeper = "aclfile" | "config"

/**
 * Writes the users to disk as the server has them now. By trial, for only a try tells whether the
 * file can be written.
 */
export async function persist(connection: Connection): Promise<Keeper> {
  if (await saveAcl(connection)) return "aclfile"
  await rewriteConfig(connection)
  return "config"
}

/** False where the server has no ACL file. */
export async function saveAcl(connection: Connection): Promise<boolean> {
  try {
    await connection.command(["ACL", "SAVE"])
    return true
  } catch (error) {
    if (isKind(error, "noAclFile")) return false
    throw error
  }
}

/**
 * Only where there is no ACL file: a server that has one keeps its users there alone, and CONFIG
 * REWRITE would leave them out and still say OK (config.c, rewriteConfigUserOption).
 */
export async function rewriteConfig(connection: Connection): Promise<true> {
  try {
    await connection.command(["CONFIG", "REWRITE"])
    return true
  } catch (error) {
    throw isKind(error, "noConfigFile") ? notPersistent() : error
  }
}

export function notPersistent(): AppError {
  return new AppError(
    "redis-not-persistent",
    "a new password would not survive a restart of the server: it runs without a config file " +
      "and without an ACL file",
    {
      hint:
        "write what ACL LIST says into a file that the server may write, " +
        "and start it with --aclfile FILE instead of --requirepass",
    },
  )
}
