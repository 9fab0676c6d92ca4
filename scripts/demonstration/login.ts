export type Login = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/**
 * One login, by a client that is not Mycelium's: "accepted", else the server's SQLSTATE (28P01:
 * wrong password), else "no answer".
 */
export async function login({ host, port, user, password, database }: Login): Promise<string> {
  const client = new Bun.SQL({
    adapter: "postgres",
    hostname: host,
    port,
    username: user,
    password,
    database,
    max: 1,
    connectionTimeout: 5,
  })
  try {
    await client.unsafe("select 1")
    return "accepted"
  } catch (error) {
    return error instanceof Bun.SQL.PostgresError && error.errno !== undefined
      ? error.errno
      : "no answer"
  } finally {
    await client.close({ timeout: 0 }).catch(() => undefined)
  }
}
