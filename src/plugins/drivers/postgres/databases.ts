import { ServerError } from "./server-error.ts"

/**
 * Roles are the whole server's: any database will do to change one. The owner of a database can
 * close it to others (REVOKE CONNECT, CONNECTION LIMIT 0), or drop it.
 */

/** Every server has these, and lets everyone in unless a person has changed that. */
const ofEveryServer = ["postgres", "template1"]

/** No right to connect; its limit is reached; it does not exist; it lets no one in. */
const closed = new Set(["42501", "53300", "3D000", "55000"])

/** The login was right: it was the database that did not let it in. */
export function isKeptOut(error: unknown): error is ServerError {
  return error instanceof ServerError && error.authenticated && closed.has(error.sqlstate)
}

export type LetIn<Session> = { readonly session: Session; readonly keptOut?: ServerError }

/**
 * A session in `wanted`, or in the first other database that lets us in; `keptOut`: why not there.
 */
export async function whereLetIn<Session>(
  wanted: string,
  open: (database: string) => Promise<Session>,
): Promise<LetIn<Session>> {
  let keptOut: ServerError | undefined
  for (const database of [wanted, ...ofEveryServer.filter((one) => one !== wanted)]) {
    try {
      const session = await open(database)
      return keptOut === undefined ? { session } : { session, keptOut }
    } catch (error) {
      if (!isKeptOut(error)) throw keptOut ?? error
      keptOut ??= error
    }
  }
  throw keptOut
}
