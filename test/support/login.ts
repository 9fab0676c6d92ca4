import type { PostgresServer } from "./servers/postgres.ts"

/** A login over TCP, from outside: "in", or the code of the refusal (28P01: wrong password). */
export async function login(
  server: Pick<PostgresServer, "port">,
  username: string,
  password: string,
): Promise<string> {
  const client = new Bun.SQL({
    adapter: "postgres",
    hostname: "127.0.0.1",
    port: server.port,
    database: "postgres",
    username,
    password,
    max: 1,
    connectionTimeout: 10,
  })
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
