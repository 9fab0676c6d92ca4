import { readFileSync, appendFileSync, renameSync, writeFileSync } from "node:fs"
import { AppError } from "../../src/base/error.ts"
import { realHost } from "../../src/base/system/host.ts"
import { Secret } from "../../src/core/secret.ts"
import { ServerError } from "../../src/plugins/drivers/postgres/server-error.ts"
import { connect } from "../../src/plugins/drivers/postgres/wire.ts"

/**
 * A program of one session, in the project's folder: at SIGHUP it reads .env and logs in, at once.
 * It notes how that ended in api.logins, one word a line, and when it has logged out again it says
 * so in api.loaded.
 */

const [port, role] = Bun.argv.slice(2)
if (port === undefined || role === undefined) throw new Error("expected a port and a role")
const { random } = realHost({})

process.on("SIGHUP", () => void visit(readFileSync(".env", "utf8")))
writeFileSync("api.pid", `${process.pid}\n`, { mode: 0o644 })
// Only a signal or its parent ends it.
setInterval(() => undefined, 60_000)

async function visit(env: string): Promise<void> {
  appendFileSync("api.logins", `${await logIn(/^POSTGRES_PASSWORD=(.*)$/m.exec(env)?.[1] ?? "")}\n`)
  writeFileSync("api.loading", env)
  renameSync("api.loading", "api.loaded")
}

async function logIn(password: string): Promise<string> {
  const endpoint = { address: { host: "127.0.0.1", port: Number(port) } }
  const login = {
    user: role ?? "",
    password: new Secret("program", password),
    database: "postgres",
    applicationName: "program",
    random,
  }
  try {
    const connection = await connect(endpoint, login, AbortSignal.timeout(10_000))
    await connection.rows(["one"], "select 1")
    await connection.close()
    return "in"
  } catch (error) {
    if (error instanceof ServerError) return error.sqlstate
    return error instanceof AppError ? error.code : "failed"
  }
}
