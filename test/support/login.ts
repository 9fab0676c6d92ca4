import type { PostgresServer } from "./servers/postgres.ts"

/** One connection over TCP, from outside, as a program holds it; opened by its first statement. */
export function clientOf(
  { port }: Pick<PostgresServer, "port">,
  username: string,
  password: string,
): Bun.SQL {
  return new Bun.SQL({
    adapter: "postgres",
    hostname: "127.0.0.1",
    port,
    database: "postgres",
    username,
    password,
    max: 1,
    connectionTimeout: 10,
  })
}

/** A login over TCP, from outside: "in", or the code of the refusal (28P01: wrong password). */
export async function login(
  server: Pick<PostgresServer, "port">,
  username: string,
  password: string,
): Promise<string> {
  return answerTo(clientOf(server, username, password))
}

/** How a client's first login ends; it is closed by then. */
export async function answerTo(client: Bun.SQL): Promise<string> {
  try {
    await client.unsafe("select 1")
    return "in"
  } catch (error) {
    if (error instanceof Bun.SQL.PostgresError) return error.errno ?? error.code
    return error instanceof Error && "code" in error ? String(error.code) : String(error)
  } finally {
    await client.close()
  }
}

/** How many sessions this user has. */
export async function sessionsOf(
  server: Pick<PostgresServer, "sql">,
  user: string,
): Promise<number> {
  return (await server.sql(`select 1 from pg_stat_activity where usename = '${user}'`)).length
}
