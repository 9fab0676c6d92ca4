import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { startPostgres } from "./servers/postgres.ts"

describe.each(["system", "newer"] as const)("startPostgres() %s", (which) => {
  test("starts a server that answers, and leaves no process and no file", async () => {
    let pid = 0
    let folder = ""
    {
      await using server = await startPostgres({ which })
      pid = server.pid
      folder = server.folder
      const rows = await server.sql("create role app login password 'a-b'; select current_user as me, inet_server_port() as port")
      expect(rows).toEqual([{ me: "postgres", port: null }])
      expect(await login(server.port, "app", "a-b")).toBe("in")
      expect(await login(server.port, "app", "wrong")).toBe("28P01")
    }
    expect(existsSync(folder)).toBe(false)
    expect(existsSync(`/proc/${pid}`)).toBe(false)
  })
})

async function login(port: number, username: string, password: string): Promise<string> {
  const client = new Bun.SQL({ adapter: "postgres", hostname: "127.0.0.1", port, username, password, database: "postgres", max: 1 })
  try {
    await client.unsafe("select 1")
    return "in"
  } catch (error) {
    return error instanceof Bun.SQL.PostgresError ? String(error.errno) : "?"
  } finally {
    await client.close()
  }
}
