/** Comes in by any of the passwords, and sets the last of them, until `signal`. */
export async function setsAgain(
  port: number,
  { role, passwords }: { readonly role: string; readonly passwords: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const password of passwords) {
      const client = new Bun.SQL({
        adapter: "postgres",
        hostname: "127.0.0.1",
        port,
        database: "postgres",
        username: role,
        password,
        max: 1,
        connectionTimeout: 1,
      })
      try {
        while (!signal.aborted)
          await client
            .unsafe(`alter role ${role} password '${passwords.at(-1)}'`)
            .catch((error: { errno?: string }) => {
              if (error.errno !== "XX000") throw error
            })
      } catch {
        await Bun.sleep(1)
      } finally {
        await client.close({ timeout: 0 }).catch(() => undefined)
      }
    }
  }
}
